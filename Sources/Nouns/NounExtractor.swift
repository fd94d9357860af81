import Text

/// Takes noun concepts from captions (ViCHA section 3.1): the head of each noun phrase with its
/// compound words. Not for several threads: each has its own.
public struct NounExtractor {
    /// What is taken beside heads, and in which form.
    public struct Options: Sendable {
        /// Singulars instead of the words as they stand.
        public var usesLemmas = false
        /// Adjectives, participles and numbers with their heads.
        public var takesAttributes = false
        /// Pairs of heads with the verb or preposition between them.
        public var takesRelations = false

        /// Heads as they stand.
        public init() {}
    }

    /// What a caption names.
    public struct Concepts: Equatable, Sendable {
        /// Lower-case, in the order of the caption; a head that stands there twice is there twice.
        public var heads: [String] = []
        /// `head modifier` as they stand, as the official scripts write them.
        public var attributes: [String] = []
        /// `head relation head` as they stand
        public var relations: [String] = []
    }

    private let options: Options
    private let tagger: PerceptronTagger
    private var lexicon: Lexicon
    private let finder = NounPhraseFinder()

    /// Makes an extractor.
    public init(_ wordNet: WordNet, _ tagger: PerceptronTagger, _ options: Options = Options()) {
        self.options = options
        self.tagger = tagger
        lexicon = Lexicon(wordNet)
    }

    /// The concepts of a caption.
    public mutating func concepts(of caption: String) -> Concepts {
        var all = Concepts()
        addConcepts(of: caption) { part in
            all.heads += part.heads
            all.attributes += part.attributes
            all.relations += part.relations
        }
        return all
    }

    /// Gives the concepts of a caption to `body`, those of a very long one part by part, so that memory
    /// is needed for a part only.
    public mutating func addConcepts(of caption: String, _ body: (Concepts) -> Void) {
        for part in CaptionParts(caption) {
            lexicon.forgetWordsBeyondLimit()
            body(concepts(ofPart: part))
        }
    }

    private mutating func concepts(ofPart caption: String) -> Concepts {
        let text = LookedUpCaption(caption, &lexicon)
        let tags = tagger.tags(text, lexicon)
        let phrases = finder(text, tags, lexicon)
        var concepts = Concepts()
        concepts.heads = phrases.map { head(of: $0, text) }
        if options.takesAttributes {
            concepts.attributes = phrases.flatMap { phrase in
                phrase.modifiers.map { "\(surface(phrase.nouns, text)) \(text.surface($0))" }
            }
        }
        if options.takesRelations {
            concepts.relations = finder.relations(phrases, text, tags, lexicon).map {
                let ends = ($0.subject, $0.object)
                return "\(surface(phrases[ends.0].nouns, text)) \(surface($0.words, text)) "
                    + surface(phrases[ends.1].nouns, text)
            }
        }
        return concepts
    }

    private func surface(_ tokens: [Int], _ text: LookedUpCaption) -> String {
        tokens.map { text.surface($0) }.joined(separator: " ")
    }

    private func head(of phrase: NounPhrase, _ text: LookedUpCaption) -> String {
        var words = phrase.nouns.map { lexicon.words[text.tokens[$0].word] }
        if options.usesLemmas {
            words[words.count - 1] = lexicon.wordNet.nounLemma(of: words[words.count - 1])
        }
        return words.joined(separator: " ")
    }
}
