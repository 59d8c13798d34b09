#!/usr/bin/env python3
"""Writes what the model's own tokenizer does, for the Go tokenizer to be held against.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install tokenizers==0.23.3
    /tmp/v/bin/python embedding/testdata/make_tokenizer_golden.py TOKENIZER.JSON

Two files come out beside this script and above it:
  tokenizer_golden.jsonl.gz   one {"kind", "text", "ids"} a line; ids cut at 512 as the model needs
  ../runes.go                 the character classes of the reference, found by asking it about every code point
The same tokenizer.json gives the same bytes.
"""
import collections
import gzip
import io
import json
import pathlib
import random
import sys

from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
MAX_TOKENS = 512
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

PROSE = {
    "chinese": [
        "紧急通知！喝白酒能杀死病毒，转给家人", "吃了头孢能不能喝酒？", "今晚台风到南通吗", "刚才是地震吗",
        "退休金要重新认证，点这个链接填银行卡号", "高血压病人能不能吃柚子？会不会和降压药冲突", "燃气泄漏先开窗还是先关阀门",
        "世界卫生组织（世卫组织，WHO）2024年发布的《结核病报告》指出：……", "“专家”说：每天一杯红酒，软化血管——真的吗？",
        "打 96110，或者 12356；急救打120。", "孩子发烧38.5℃要不要捂汗", "隔夜菜/隔夜水致癌?!!", "微波炉加热的食物有辐射，吃了会得癌，速转！！！",
    ],
    "traditional": [
        "緊急通知！喝白酒能殺死病毒，轉給家人", "臺灣颱風來襲，請勿外出", "鹽能防輻射嗎？", "龘靐齉齾爩鱻麤", "鬱鬱寡歡，憂讒畏譏", "醫師說這個藥不能亂吃",
    ],
    "rare": [
        "𠀀𠮷𡃁𤭢𧒽𪚥", "吉野家是𠮷野家", "𪜀𫝀𫠠𬺰", "㐀㐁㕸㖞㘎䶵䶿", "豈更車賈滑", "丽丸乁", "〇一二〇", "⺀⺁⻳⼀⿕", "㊙㊗㌀㍿㋿", "𰻝𰻞面", "鿿鿯鿕",
    ],
    "latin": [
        "Drinking alcohol does NOT kill the virus", "iPhone 15 Pro Max 5G", "COVID-19 mRNA疫苗", "don't can't it's", "e-mail: a.b@c.example",
        "https://example.org/a/b?c=d&e=f#g", "C++17 vs. C#", "ABCDEFG abcdefg AbCdEfG", "pneumonoultramicroscopicsilicovolcanoconiosis", "AAAAaaaa", "x_y_z snake_case",
    ],
    "accents": [
        "café naïve résumé Zürich Ærø œuvre straße", "cafe\u0301 nai\u0308ve", "Việt Nam Đà Nẵng", "Ελλάδα Ώρα", "Привет мир ёж й",
        "İstanbul ıI ǅ ﬁ ﬀ", "A\u030a Å Å", "Z\u0351\u036b\u0343\u036a\u0302a\u0321\u031dl\u0308\u0323go",
    ],
    "digits": [
        "12345678901234567890", "3.1415926", "1,234,567.89", "2024-06-01 12:30:59", "１２３４５６７８９０", "①②③⑩⑳", "Ⅰ Ⅱ Ⅲ ⅷ", "½ ¼ ² ³ ₂", "٠١٢٣٤٥٦٧٨٩", "१२३", "零壹贰叁", "1e-9 0x1F", "138 0013 8000",
    ],
    "emoji": [
        "😀😂🤣", "👨‍👩‍👧‍👦一家人", "👍🏽👍🏿", "🇨🇳🇺🇸", "❤️ ❤︎ ☎️", "1️⃣2️⃣#️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "注意⚠️！转发🙏🙏🙏", "(╯°□°）╯︵ ┻━┻", "^_^ orz T_T", "🫠🫨🩷", "👩🏻‍⚕️说",
    ],
    "scripts": [
        "こんにちは世界、カタカナ ﾊﾝｶｸ", "がぎぐ か\u3099 は\u309a", "안녕하세요 세계", "\u1112\u1161\u11ab\u1100\u1173\u11af", "สวัสดีชาวโลก", "مرحبا بالعالم؟ نعم، لا؛", "שלום עולם", "नमस्ते दुनिया।",
        "བཀྲ་ཤིས་བདེ་ལེགས།", "ᠮᠣᠩᠭᠣᠯ", "ئۇيغۇرچە", "ქართული", "አማርኛ", "ខ្មែរ", "မြန်မာ", "ꆈꌠꉙ", "Ꭰꭰ", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝕒𝕓𝕔", "ｆｕｌｌｗｉｄｔｈ　ＴＥＸＴ！",
    ],
    "control": [
        "a\x00b", "\x00", "\x01\x02\x03", "a\tb\nc\rd\r\ne", "\x0b\x0c\x1c\x1d\x1e\x1f", "a\x7fb\x80c\x85d\x9f", "\x1b[31mred\x1b[0m", "a\ufffdb", "\ufffe\uffff", "\U000e0001\U000e0041", "\ue000\uf8ff\U000f0000\U0010fffd",
    ],
    "invisible": [
        "喝\u200b白\u200c酒\u200d杀\u2060病\ufeff毒", "\u200e\u200f\u202a\u202e反", "a\u00adb", "a\u00a0b\u2003c\u3000d\u205fe\u1680f", "a\u2028b\u2029c", "a\u180eb", "\u3164\uffa0\u115f\u1160", "\u034f\u061c", "", " ", "\n\n\t", "\u3000\u3000", "\u200b",
        "\u2066x\u2069", "a\ufe0fb\ufe00", "\u0600\u06dd\u070f\u08e2",
    ],
    "punctuation": [
        "，。！？；：、（）《》〈〉【】「」『』〔〕…—～·", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "“”‘’„‚«»‹›", "¿¡§¶†‡•‣‥‰′″", "±×÷≠≤≥∞√∑∫", "$€£¥₩₹₿￥", "©®™°", "→←↑↓⇒", "★☆●○■□▲△", "。。。。。。", "?!?!?!", "--- ___ *** ===", "a.b,c;d:e", "﹏﹋︿﹁﹂", "·•・･", "|｜¦", "`´¨^˜", "\u0387\u055a\u0964\u0e5a\u1400\u2cf9\ua4fe\U00010100\U00011047",
    ],
    "special": [
        *SPECIALS, "[SEP", "SEP]", "[sep]", "[ SEP ]", "[[SEP]]", "a[SEP]b", "[CLS][SEP][MASK]", "喝[MASK]杀病毒", " [UNK] ", "[UNK][UNK]", "[unused1]", "[unused99]", "##ing", "## a", "[PAD][PAD]字", "[\u200bSEP]", "［SEP］", "[SEP]\u0301", "\u0301[SEP]", "x[MASKED]", "[CLS]]", "[[[[", "[S[SEP]EP]",
        "[PAD" + "]" * 5, "[MASK]\x00[SEP]", "<s></s><pad><unk><mask>", "[CLS]" * 600, "[SEP]病" * 300,
    ],
    "long": [
        "a" * 99, "a" * 100, "a" * 101, "a" * 5000, "é" * 100, "é" * 101, "가" * 100, "가" * 101, "x" * 100 + " " + "y" * 101 + "z", "a" * 100 + "\u200b" * 3, "a" * 99 + "\u200bbc", "字" * 509, "字" * 510, "字" * 511, "字" * 512, "字" * 2000, "hello " * 509, "hello " * 510, "hello " * 511, "pneumono " * 300, "1" * 3000, "测试abc" * 300, " " * 3000 + "末", "。" * 700,
        "supercalifragilisticexpialidocious" * 2, "supercalifragilisticexpialidocious" * 3, "字" * 509 + "unaffable", "字" * 508 + "unaffable", "字" * 507 + "unaffable" * 2, "😀" * 600, "a\u0301" * 60, "㍿" * 101,
    ],
}


def classes(tok):
    """Class of every code point: d dropped, w white space, c Chinese, p punctuation, . part of a word."""
    found = {}
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000:
            continue
        char = chr(point)
        text = "a" + char + "b"
        clean = tok.normalizer.normalize_str(text)
        if clean == "ab":
            found[point] = "d"
        elif clean == "a b":
            found[point] = "w"
        elif clean == f"a {char} b":
            found[point] = "c"
        else:
            assert clean == text, hex(point)
            words = [w for w, _ in tok.pre_tokenizer.pre_tokenize_str(text)]
            assert words in ([text], ["a", char, "b"]), hex(point)
            found[point] = "." if words == [text] else "p"
    return found


def ranges(found, cls):
    out = []
    for point in sorted(p for p, c in found.items() if c == cls):
        if out and out[-1][1] == point - 1:
            out[-1][1] = point
        else:
            out.append([point, point])
    return out


def table(name, comment, spans):
    lines, row = [], ""
    for lo, hi in spans:
        cell = f"{{{lo:#x}, {hi:#x}}}, "
        if len(row) + len(cell) > 108:
            lines.append(row)
            row = ""
        row += cell
    lines.append(row)
    body = "\n".join("\t" + line.strip() for line in lines)
    return f"// {comment}\nvar {name} = []runeRange{{\n{body}\n}}\n"


def write_classes(found):
    text = "// Code generated by testdata/make_tokenizer_golden.py; DO NOT EDIT.\n\npackage embedding\n\n"
    text += "// The tables are the reference tokenizer's own, not those of Go's unicode package: it follows an older\n"
    text += "// Unicode, and over a hundred characters differ (U+2E43 to U+2E4F are punctuation in Go, parts of words there).\n\n"
    text += "type runeRange struct{ first, last rune }\n\n"
    text += table("droppedRunes", "droppedRunes are controls, formats, private use, U+0000 and U+FFFD: they vanish and do not part words.", ranges(found, "d"))
    text += "\n" + table("spaceRunes", "spaceRunes part words.", ranges(found, "w"))
    text += "\n" + table("chineseRunes", "chineseRunes are words of their own, before punctuation is looked at.", ranges(found, "c"))
    text += "\n" + table("punctuationRunes", "punctuationRunes are words of their own.", ranges(found, "p"))
    (HERE.parent / "runes.go").write_text(text)


def samples(tok, found):
    rng = random.Random(20240601)
    for kind, texts in PROSE.items():
        for text in texts:
            yield kind, text
    by_class = collections.defaultdict(list)
    for point, cls in found.items():
        by_class[cls].append(point)
    # Both ends of every range of every class, so that an off-by-one in a table shows.
    edges = []
    for cls in "dwcp":
        for lo, hi in ranges(found, cls):
            edges += [lo - 1, lo, hi, hi + 1]
    edges = [p for p in edges if p in found]
    for start in range(0, len(edges), 12):
        yield "class edges", "".join("a" + chr(p) for p in edges[start:start + 12]) + "b"
    for cls in "dwcp.":
        for _ in range(30):
            yield "class sample", "".join("字"[:rng.randrange(2)] + chr(rng.choice(by_class[cls])) for _ in range(12))
    vocabulary = [t for t in sorted(tok.get_vocab()) if not t.startswith("[")]
    pieces = [t.removeprefix("##") for t in vocabulary]
    for _ in range(150):  # runs of pieces: longest match first, over and over
        yield "pieces", "".join(rng.choice(pieces) + " " * (rng.randrange(6) == 0) for _ in range(rng.randrange(1, 14)))
    for _ in range(100):
        yield "latin pieces", "".join(rng.choice([p for p in pieces if p.isascii()]) for _ in range(rng.randrange(2, 8)))
    everything = [t for texts in PROSE.values() for t in texts if len(t) < 120]
    for _ in range(250):  # kinds mixed in one text, cut anywhere
        a, b = rng.choice(everything), rng.choice(everything)
        yield "mixed", a[rng.randrange(len(a) + 1):] + rng.choice(["", " ", "，", "[SEP]", "\u200b"]) + b[:rng.randrange(len(b) + 1)]
    for _ in range(120):
        yield "random", "".join(chr(rng.choice([rng.randrange(0x20, 0x7F), rng.randrange(0x4E00, 0xA000), rng.randrange(0x80, 0x3000), rng.choice(by_class["."])])) for _ in range(rng.randrange(1, 40)))


def main():
    tok = Tokenizer.from_file(sys.argv[1])
    found = classes(tok)
    write_classes(found)
    tok.enable_truncation(MAX_TOKENS)
    lines = io.StringIO()
    count = 0
    for kind, text in samples(tok, found):
        lines.write(json.dumps({"kind": kind, "text": text, "ids": tok.encode(text).ids}, ensure_ascii=True, separators=(",", ":")) + "\n")
        count += 1
    with open(HERE / "tokenizer_golden.jsonl.gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as f:
        f.write(lines.getvalue().encode())
    print(count, "texts")


if __name__ == "__main__":
    main()
