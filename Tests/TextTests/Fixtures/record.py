"""Makes texts.json: generated texts with what the reference implementations make of each, as 64-bit FNV-1a hashes:

* clip: the ids of OpenAI's CLIP tokenizer (open_clip's copy of it with OpenAI's special tokens), 4 bytes each;
* bert: the ids of BERT's uncased WordPiece tokenizer in Python, without [CLS] and [SEP], 4 bytes each;
* words: str.lower and str.split of Python, joined by single spaces, in UTF-8.

Needs open_clip_torch 3.3.0, ftfy 6.3.1, regex and transformers 4.57; CPython 3.11 decides about characters.
Run: python record.py BERT_VOCABULARY
"""

import html.entities
import importlib.util
import json
import pathlib
import random
import struct
import sys
import types
import unicodedata

import ftfy
import regex
from transformers import BertTokenizer

COUNT = 10_000
draw = random.Random(20)

# MARK: references


def open_clip_tokenizer():
    # The file alone: the package around it imports much that is not needed, and torch is there for types.
    sys.modules["torch"] = types.SimpleNamespace(LongTensor=None, Tensor=None)
    folder = importlib.util.find_spec("open_clip").submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", folder + "/tokenizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    del sys.modules["torch"]
    tokenizer = module.SimpleTokenizer()
    for name, other in [("<|startoftext|>", "<start_of_text>"), ("<|endoftext|>", "<end_of_text>")]:
        tokenizer.encoder[name] = tokenizer.encoder.pop(other)
        tokenizer.cache[name] = name
    tokenizer.pat = regex.compile(
        tokenizer.pat.pattern.replace("<start_of_text>|<end_of_text>", r"<\|startoftext\|>|<\|endoftext\|>"),
        regex.IGNORECASE,
    )
    return tokenizer


clip = open_clip_tokenizer()
bert = BertTokenizer(sys.argv[1], do_lower_case=True)


def hashed(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def ids_hash(ids):
    return hashed(b"".join(struct.pack("<i", i) for i in ids))


# MARK: texts

WORDS = (
    "a the man woman dog cat red blue two riding horse on street park with and of an old young people sitting table "
    "food near train white black holding playing ball ice cream t-shirt 1990 22 3.5 it's don't they're we've I'm you'll "
    "he'd women's naïve café résumé Ångström Zürich façade São Köln Straße Œuvre Dvořák İstanbul ısı Ümit señor"
).split()
GREEK = "ΟΔΟΣ ΣΑΣ Σ ΑΣ ΣΑ ΌΣΟΙ ΆΡΣΙΣ ΜΙΚΡΌΣ ΣΊΣΥΦΟΣ ΤΈΛΟΣ οδός ΝΊΚΟΣ".split()
OTHER = (
    "собака бежит по траве ЁЖИК Привет 一只狗 草地 東京都 こんにちは カタカナ ｶﾀｶﾅ ﾊﾞﾝﾄﾞ 한국어 고양이 مرحبا كلب नमस्ते कुत्ता ภาษาไทย "
    "שלום ქართული Հայերեն ＡＢＣ１２３ ｈｅｌｌｏ ⅣⅧ ½ ³ ① 𝒥ohn 🐶 👩‍👩‍👧 🇩🇪 ❤️ ✔ № ™ € £5 20°C"
).split()
LIGATURES = "Ĳssel ĳs ŉ ŉdag Ǆ ǅ ǆ Ǉ ǈ ǉ Ǌ ǋ ǌ Ǳ ǲ ǳ oﬀ ﬁsh ﬂy oﬃce baﬄe ﬅ ﬆop æ œ Œ".split()
SPACES = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000\u200b\u200c\u200d\ufeff"
QUOTES = "'\u2018\u2019\u201a\u201b\u02bc\u201c\u201d\u201e\u201f\"`´«»"
NAMES = sorted(html.entities.html5)
SPECIALS = (
    "<|endoftext|> <|startoftext|> <|ENDOFTEXT|> <|ſtartoftext|> 'ſ 'S 'RE [SEP] [CLS] [MASK] [PAD] [UNK] [sep] ##ing "
    "<person> </w> <b>bold</b> <br/>"
).split()
MARKS = [chr(c) for c in range(0x300, 0x370)] + list("\u05b0\u05b4\u064b\u0651\u0e38\u302a\u3099\u20d0\u0483")
ENCODINGS = (
    "latin-1 sloppy-windows-1252 sloppy-windows-1251 sloppy-windows-1250 sloppy-windows-1253 sloppy-windows-1254 "
    "sloppy-windows-1257 iso-8859-2 macroman cp437"
).split()
CLUES = "ÂÃâ€™œ¢£\xa0©®°·»–—´ØÙàáŒœ√≈‚ÄÐÎ¤¦¨¬\u0080\u0092\u009d×²³β€ā ВГРС ўЂ│┌█ÀÉéñöü"
ASSIGNED = [
    chr(c) for c in range(0x20, 0x2FA20) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")
]


def reference():
    kind = draw.randrange(6)
    if kind == 0:
        return "&" + draw.choice(NAMES)
    if kind == 1:
        return "&" + draw.choice("amp lt gt quot apos nbsp eacute hellip rsquo mdash euro alpha copy not".split()) + draw.choice([";", "", " "])
    if kind == 2:
        number = draw.choice([draw.randrange(0, 0x120), draw.randrange(128, 160), ord(draw.choice(ASSIGNED)), 0xD800, 0x110000, 10**12])
        return f"&#{number}" + draw.choice([";", "", ";;"])
    if kind == 3:
        number = draw.choice([draw.randrange(0, 0x120), draw.randrange(128, 160), 0xFDD0, 0x1F600, 0x2019])
        return draw.choice(["&#x", "&#X"]) + draw.choice([f"{number:x}", f"{number:X}", f"{number:06x}"]) + draw.choice([";", ""])
    if kind == 4:
        return "&" + "amp;" * draw.randrange(1, 14) + draw.choice(["lt;", "eacute;", "#233;", "", "amp", "#38;amp;"])
    return "&" + draw.choice([n.upper() for n in NAMES] + ["NTILDE;", "SZLIG;", "EACUTE;", "nTILDE;", "#xZZ;", "#;", "&;", "a-b;", "unknown;", "notit;", "ampere"])


def plain():
    return draw.choice(WORDS)


def marked():
    word = unicodedata.normalize(draw.choice(["NFD", "NFC", "NFKD"]), draw.choice(WORDS + GREEK + OTHER))
    for _ in range(draw.randrange(4)):
        place = draw.randrange(len(word) + 1)
        word = word[:place] + draw.choice(MARKS) * draw.randrange(1, 3) + word[place:]
    return word


def mojibake(text=None):
    text = text or draw.choice(WORDS + OTHER + GREEK + ["it’s", "“quoted”", "a – b", "…", "à la", "às", "€5", "ﬁn", "🙂"])
    for _ in range(draw.choice([1, 1, 1, 2])):
        try:
            text = text.encode("utf-8").decode(draw.choice(ENCODINGS[:2] + ENCODINGS))
        except UnicodeDecodeError:
            break
    change = draw.randrange(6)
    if change == 0:
        text = text.replace("\xa0", " ")
    elif change == 1 and text:
        place = draw.randrange(len(text))
        text = text[:place] + draw.choice(["\ufffd", "?"]) + text[place + 1 :]
    return text


def quoted():
    return draw.choice(QUOTES) + plain() + draw.choice(QUOTES) + draw.choice(["s", "t", "re", "ve", "m", "ll", "d", "S", "ſ", ""])


def odd():
    return "".join(draw.choice(ASSIGNED) for _ in range(draw.randrange(1, 6)))


def control():
    return draw.choice(["\x1b[36;44m", "\x1b[0m", "\x1b[", "\x00", "\x07", "\x7f", "\x80", "\x85", "\x92", "\u206a", "\ufff9", "\ufffc", "\u200e", "\U000e0067", "\r\n", "\ue000", "\ufffd"])


def clues():
    return "".join(draw.choice(CLUES + "abcABC") for _ in range(draw.randrange(1, 7)))


def cased():
    word = draw.choice(GREEK)
    return draw.choice(["", "'", "1", "A", "\u0301"]) + word + draw.choice(["", "'", ".", "'Σ", "-Σ", "\u0301", "\u0345", "1", "\u00adΣ", "Σ\u0301α", "᾽", ":Σ"])


KINDS = [
    (40, plain), (8, reference), (8, marked), (8, mojibake), (6, quoted), (6, cased), (4, odd), (4, control), (6, clues),
    (4, lambda: draw.choice(LIGATURES)), (4, lambda: draw.choice(OTHER)), (3, lambda: draw.choice(SPECIALS)),
    (4, lambda: draw.choice(".,!?-/()*#:;~$%&@[]{}<>=+_^|\\")), (2, lambda: plain() * draw.randrange(1, 30)),
]
MAKERS = [make for weight, make in KINDS for _ in range(weight)]


def text():
    parts = []
    for _ in range(draw.choice([1, 1, 2, 3, 4, 6])):
        parts.append(draw.choice(MAKERS)())
        parts.append(draw.choice([" ", " ", " ", " ", "", draw.choice(SPACES) * draw.randrange(1, 3)]))
    joined = "".join(parts)
    if draw.random() < 0.08:
        joined = mojibake(joined)
    return joined if draw.random() < 0.5 else joined.strip()


items = []
seen = set()
while len(items) < COUNT:
    made = text()
    if made in seen:
        continue
    seen.add(made)
    items.append(
        {
            "text": made,
            "clip": ids_hash(clip.encode(made)),
            "bert": ids_hash(bert.convert_tokens_to_ids(bert.tokenize(made))),
            "words": hashed(" ".join(made.lower().split()).encode()),
        }
    )

print(sum(ftfy.fix_text(item["text"]) != item["text"] for item in items), "texts are repaired")
lines = ",\n".join(
    "[" + json.dumps(i["text"], ensure_ascii=False) + f',"{i["clip"]}","{i["bert"]}","{i["words"]}"]' for i in items
)
pathlib.Path(__file__).with_name("texts.json").write_text("[\n" + lines + "\n]\n", newline="\n")
