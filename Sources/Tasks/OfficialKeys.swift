import Configuration

/// The keys of all official files, of which each task reads some, and none of the others changes what it
/// computes (`Documentation/compatibility.md`).
enum OfficialKeys {
    static let all: Set<String> = {
        let types: [any KeyedConfiguration.Type] = [
            PretrainingConfiguration.self, RetrievalConfiguration.self,
            QuestionAnsweringConfiguration.self, ClassificationConfiguration.self,
            TextAssignmentConfiguration.self,
            GroundingConfiguration.self,
        ]
        return Set(types.flatMap { $0.knownKeys.flatMap { $0.section.isEmpty ? $0.keys : [] } })
    }()
}
