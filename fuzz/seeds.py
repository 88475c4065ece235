"""Writes the seeds of the corpus: python fuzz/seeds.py (from the repository's root; standard library only).

What the fuzzer found is kept beside them and not made here.
"""

import hashlib
import io
import json
import struct
import zipfile
from pathlib import Path

OUT = Path("fuzz/corpus")
NEWS = Path("examples/reports/news.txt").read_text(encoding="utf-8")
REPORT = Path("examples/reports/situation-report.md").read_text(encoding="utf-8")


def put(target, name, content):
    folder = OUT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def copy(target, *paths):
    for path in paths:
        put(target, Path(path).name, Path(path).read_bytes())


def archive(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as out:
        for name, text in entries.items():
            out.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def documents():
    part = NEWS[:600]
    put("read", "news.txt", NEWS[:1200])
    put("read", "report.md", REPORT[:2500])
    put("read", "marks.md", "---\ntitle: x\n---\n# عنوان **مهم**\n\n> - 1. اقتباس [رابط](a \"b\")\n>   ```\n   كود\n\n| أ | ب |\n|---|:-:|\n| ج | `د` |\n\n<div>نص</div>\n\n[^1]: حاشية\n")
    put("read", "lines.txt", "العنوان\n=====\n\n* أول\n* ثانٍ\n\n1) ثالث؟ نعم!\n(٢) رابع... وقال: «لا. لن نعود». د. أحمد، ص. 5\n")
    put("read", "text.odt", archive({
        "mimetype": "application/vnd.oasis.opendocument.text",
        "META-INF/manifest.xml": '<a><f manifest:full-path="Object 1/" manifest:media-type="application/vnd.oasis.opendocument.chart"/></a>',
        "styles.xml": '<s><style:style style:name="T" style:family="paragraph" style:parent-style-name="Title"/><style:master-page><style:footer>'
                      '<text:p>صفحة <text:page-number>1</text:page-number> من</text:p></style:footer></style:master-page></s>',
        "content.xml": '<b><style:p style:writing-mode="rl-tb" fo:text-align="end"/><office:text><text:p text:style-name="T">عنوان</text:p>'
                       '<text:list><text:list-item><text:p>بند<text:s/>&amp;<text:note><text:p>حاشية</text:p></text:note> <text:date>أمس</text:date></text:p>'
                       '</text:list-item></text:list></office:text></b>'}))
    put("read", "book.epub", archive({
        "mimetype": "application/epub+zip", "META-INF/container.xml": '<c><rootfile full-path="o/b.opf"/></c>',
        "META-INF/encryption.xml": '<e><EncryptedData><EncryptionMethod Algorithm="x"/><CipherReference URI="o/p.jpg"/></EncryptedData></e>',
        "o/b.opf": '<p><metadata><dc:title>كتاب</dc:title><dc:language>ar</dc:language></metadata><item id="a" href="a%20.xhtml" media-type="text/html"/>'
                   '<item id="n" href="n.xhtml" properties="nav"/><item id="x" href="x" media-type="application/x-dtbncx+xml"/>'
                   '<item id="s" href="s" media-type="text/css"/><spine page-progression-direction="rtl"><itemref idref="a"/></spine></p>',
        "o/a .xhtml": '<html dir="rtl"><head><title>باب</title></head><body><h1>باب</h1><p>نص <b>مهم</b><sup><a href="#n">1</a></sup><br/>ثم</p></body></html>',
        "o/n.xhtml": '<html><nav hidden=""><a>باب <i>أول</i></a></nav></html>', "o/x": '<ncx><navLabel><text>باب</text></navLabel></ncx>',
        "o/s": 'p{direction:rtl;text-align:right}'}))
    put("read", "film.srt", "1\n00:00:01,000 --> 00:00:02,500 X1:40\n<i>قال الوزير\nإن الطريق</i>\n\n2\n00:00:03,000 --> 00:00:04,000\n{\\an8}مغلق.\n3\n00:00:05,000 --> 00:00:06,000\n- من هناك؟\n- أنا.\n")
    put("read", "film.vtt", "WEBVTT\n\nSTYLE\n::cue { color: red }\n\n00:01.000 --> 00:02.000 line:0\n<v أحمد><c.y>رأى &amp; سمع</c>\n\n00:03.000 --> 00:04.000\n<00:03.000>كلمة<00:03.500> أخرى\n")
    put("read", "table.csv", "id;النص;place\n1;\"قصف; ثم \"\"هدوء\"\"\nنعم\";حلب\n2;\"نص\" آخر;=1\n")
    put("read", "table.tsv", "1\t\"نص أول\n2\tنص ثان\"\n")
    put("read", "lines.jsonl", "{\"id\": 1.5, \"text\":\"\\u0646\\u0635 \\ud83d\\ude00\", \"a\":{\"b\":[\"نص\",{\"c\":\"آخر\"}]}}\nليس\n")
    for name, codec in [("windows-1256", "cp1256"), ("iso-8859-6", "iso8859_6"), ("cp720", "cp720"), ("utf-16", "utf-16"),
                        ("utf-16le", "utf-16-le"), ("mac-arabic", "mac_arabic"), ("utf-8", "utf-8-sig"), ("gb18030", "gb18030")]:
        put("encoding", name + ".txt", part.encode(codec, "ignore"))


def mail(subject, attached):
    return (f"From: =?UTF-8?B?2LLZitmG2Kg=?= <z@example.org>\r\nTo: a@example.org\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nوصل الوفد.\r\n"
            "--x\r\nContent-Type: text/plain; charset=windows-1256\r\nContent-Transfer-Encoding: base64\r\n"
            f"Content-Disposition: attachment; filename=\"{attached}\"\r\n\r\n5sfh\r\n--x--\r\n").encode()


def containers():
    put("read", "mail.eml", mail("تقرير", "a.txt"))
    put("read", "page.html", "<html dir=rtl><title>عنوان</title><body><p hidden>خفي<p>نص <b>غليظ</b> &amp; <code>x</code><ul><li>بند</ul><script>س</script>")
    put("containers", "mail.eml", mail("one", "a.txt"))
    mailbox = b"From a Thu\n" + mail("one", "a.txt") + b"\nFrom b Fri\n" + mail("two", "../b.txt")
    put("containers", "mail.mbox", mailbox)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in [("a.txt", "نص"), ("../b.txt", "نص"), ("box.mbox", mailbox), ("c/d.eml", mail("x", "y.txt"))]:
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    put("containers", "files.zip", buffer.getvalue())


def pairs():
    for name, source, target in [
        ("numbers", "وصل ١٬٥٠٠ شخص و3.5 مليون دولار، أي 25 في المئة، يوم 12/5/2016 الساعة 10:30.", "1,500 people and $3.5 million, or 25%, on 12 May 2016 at half past ten."),
        ("words", "قتل ثلاثة وعشرون مدنياً وأصيب مئتان في الخامس من آذار ألفين وأحد عشر.", "Twenty-three civilians were killed and two hundred wounded on the fifth of March 2011."),
        ("negation", "لم يصل أحد، ولن نعود \"أبداً\" إلى COVID-19 في الثلاثينيات.", "Nobody arrived, and we will not \"ever\" return to COVID-19 in the thirties."),
        ("names", "قال محمد والقذافي في حلب.", "Mohammed's friend and Al-Gaddafi said in Aleppo, aleppo aleppo aleppo aleppo."),
    ]:
        put("numbers", name, f"{source}\n=\n{target}")
    put("page", "markup", "# <script>عنوان</script>\n\n- <b>نص</b> & [رابط](javascript:x)\n- 1. `كود`\n\n```\n</pre><script>\n```\n\nنص آخر.\n=\n<script>alert(1)</script>\n\" onclick=\"x\n# *not* _a_ [link](http://x)\n5 people & 7 <img src=x>")
    put("page", "report", REPORT[:1500] + "\n=\nThe committee said that 25 people arrived.\nA second line with the town's name.\n")


def models():
    data = "tests/data"
    copy("sentencepiece", *(f"{data}/sentencepiece/{name}.model" for name in
                            ["bpe-bytes", "bpe-unused", "unigram-bare", "unigram-both", "unigram-unused", "bpe-suffix"]))
    copy("pickle", *(f"{data}/torch/{name}.bin" for name in ["zip", "stream", "list", "evil-stream"]))
    put("gguf", "llama.gguf", gguf("llama"))
    put("gguf", "gpt2.gguf", gguf("gpt2"))
    header = {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
              "b": {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]}}
    text = json.dumps(header).encode()
    put("safetensors", "two.safetensors", struct.pack("<Q", len(text)) + text + bytes(range(22)))
    put("marian", "model.bin", marian())
    numbers, ids = [0xF11A48D5013417F5, 0, 2, 3, 4, 5, 0, 2, 2, 5], [4, 7, 1, 5, 9]
    put("marian", "lex.bin", struct.pack("<10Q5I", *numbers, *ids))


def string(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf(kind):
    """A header with a tokenizer of this kind, and two tensors."""
    def value(v):
        if isinstance(v, bool):
            return struct.pack("<I?", 7, v)
        if isinstance(v, int):
            return struct.pack("<II", 4, v)
        if isinstance(v, float):
            return struct.pack("<If", 6, v)
        if isinstance(v, str):
            return struct.pack("<I", 8) + string(v)
        item = value(v[0])[:4]
        return struct.pack("<I", 9) + item + struct.pack("<Q", len(v)) + b"".join(value(i)[4:] for i in v)

    arch = "llama" if kind == "gpt2" else "gemma3"
    keys = {
        "general.architecture": arch, "general.alignment": 32, f"{arch}.embedding_length": 8, f"{arch}.block_count": 1,
        f"{arch}.feed_forward_length": 16, f"{arch}.attention.head_count": 2, f"{arch}.attention.head_count_kv": 1,
        f"{arch}.attention.layer_norm_rms_epsilon": 1e-6, f"{arch}.context_length": 64, "tokenizer.ggml.model": kind,
        "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.add_space_prefix": True,
        "tokenizer.chat_template": "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m['content'] | trim }}{% endfor %}",
    }
    if kind == "llama":
        pieces = ["<unk>", "<s>", "</s>", "<start_of_turn>", "▁", "a", "▁a", "ا", "ل", "ال", "▁ال", "aa"]
        keys |= {"tokenizer.ggml.tokens": pieces, "tokenizer.ggml.scores": [-float(i) for i in range(len(pieces))],
                 "tokenizer.ggml.token_type": [2, 3, 3, 3] + [1] * (len(pieces) - 4)}
    else:
        pieces = ["<|x|>", "<s>", "<|im_end|>", "a", "b", "ab", "Ġ", "Ġa", "Ø", "§", "Ø§"]
        keys |= {"tokenizer.ggml.tokens": pieces, "tokenizer.ggml.merges": ["a b", "Ġ a", "Ø §"],
                 "tokenizer.ggml.token_type": [3, 3, 3] + [1] * (len(pieces) - 3), "tokenizer.ggml.pre": "qwen2"}
    out = b"GGUF" + struct.pack("<IQQ", 3, 2, len(keys))
    out += b"".join(string(key) + value(v) for key, v in keys.items())
    out += string("token_embd.weight") + struct.pack("<IQQIQ", 2, 4, 2, 0, 0)  # F32
    out += string("blk.0.attn_q.weight") + struct.pack("<IQQIQ", 2, 32, 1, 8, 32)  # Q8_0
    out += b"\0" * (-len(out) % 32)
    return out + struct.pack("<8f", *range(8)) + struct.pack("<e32b", 0.5, *range(32))


def marian():
    yaml = "type: transformer\ndim-emb: 4\ntransformer-heads: 2\nenc-depth: 1\ndec-depth: 1\ntransformer-dim-ffn: 8\n" \
           "dim-vocabs:\n  - 3\n  - 3\ntied-embeddings-all: true\ntransformer-decoder-autoreg: rnn\ndec-cell: ssru\n\0"
    floats = lambda *values: struct.pack(f"<{len(values)}f", *values)
    items = [
        ("encoder_l1_self_Wq", 0x4101, [2, 3], struct.pack("6b", 1, -2, 3, 4, -5, 6) + floats(2)),
        ("encoder_l1_self_Wq_QuantMultA", 0x404, [1, 1], floats(7.5)),
        ("decoder_l1_ffn_W1", 0x404, [2, 3], floats(1, 2, 3, 4, 5, 6)),
        ("decoder_l1_ffn_b1", 0x404, [1, 3], floats(1, 2, 3)),
        ("Wemb", 0x4101, [3, 2], struct.pack("6b", 1, -2, 3, 4, -5, 6) + floats(2)),
        ("special:model.yml", 0x101, [len(yaml)], yaml.encode()),
    ]
    out = struct.pack("<QQ", 1, len(items))
    out += b"".join(struct.pack("<4Q", len(name) + 1, kind, len(shape), len(data)) for name, kind, shape, data in items)
    out += b"".join(name.encode() + b"\0" for name, *_ in items)
    out += b"".join(struct.pack(f"<{len(shape)}i", *shape) for _, _, shape, _ in items)
    padding = -(len(out) + 8) % 256
    return out + struct.pack("<Q", padding) + bytes(padding) + b"".join(data for *_, data in items)


ENTRY = """[[model]]
name = "small"
about = "A small model"
tasks = ["translate"]
family = "marian"
licence = "MIT"
source = { url = { base = "https://example.org/" } }
files = [{ name = "vocab.txt", parts = ["a/vocab.txt"], size = 5 }]
"""


def registries():
    put("registry", "one.toml", ENTRY)
    text = Path("models.toml").read_text(encoding="utf-8")
    entries = text.split("[[model]]")
    put("registry", "some.toml", "".join("[[model]]" + entry for entry in entries[1:4]))
    put("registry", "wrong.toml", ENTRY.replace("family", "familly"))
    put("registry", "outside.toml", ENTRY.replace('name = "vocab.txt"', 'name = "../vocab.txt"'))
    content = b"hello"
    for name, how in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
        manifest = {"format": 1, "models": [{"name": "small", "licence": "MIT", "licence_note": "", "files": {
            "vocab.txt": {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}}}]}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", how) as archive:
            for member, data in [("tarjuman-model.json", json.dumps(manifest)), ("small/entry.toml", ENTRY), ("small/vocab.txt", content)]:
                archive.writestr(zipfile.ZipInfo(member, (2026, 1, 1, 0, 0, 0)), data, how)
        put("archive", name, buffer.getvalue())
    for family in ["marian-base", "t5-v11", "m2m100", "bart-cnn"]:
        folder = Path("tests/data/seq2seq") / family
        put("json", f"{family}.json", (folder / "config.json").read_bytes())
    lock = {"format": 1, "source": {"hub": {"repo": "a/b", "revision": "main"}}, "revision": "0123456789", "from": "the Hub",
            "files": {"config.json": {"path": "config.json", "size": 5, "modified": 1, "sha256": "0" * 64}}}
    put("json", "lock.json", json.dumps(lock))
    tokenizer = {"version": "1.0", "added_tokens": [{"id": 0, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": False, "special": True}], "normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "ByteLevel",
                 "add_prefix_space": False, "trim_offsets": True, "use_regex": True}, "post_processor": None, "decoder": None,
                 "model": {"type": "BPE", "vocab": {"<s>": 0, "</s>": 1, "a": 2, "b": 3, "ab": 4}, "merges": ["a b"]}}
    put("json", "tokenizer.json", json.dumps(tokenizer))


def tables():
    put("tables", "review.csv", "\ufeffrisk,why,arabic,english,correction\nhigh,\"numbers: 25, 30\",قال محمد,Muhammad said,Mohammed said\n,,نعم,yes,\n")
    put("tables", "glossary.csv", "arabic;english\nوزارة الصحة;Ministry of Health|Health Ministry\nالأمم المتحدة;United Nations|UN\n")
    put("tables", "glossary.tsv", "حلب\tAleppo\nمركز|مراكز\tcentre\n")
    put("tables", "names.csv", "arabic,english,times,spellings,documents\nمحمد,Mohamed,3,\"Mohammed (2), Mohamed (1)\",2\n'=1+1,'-x,,,\n")
    put("tables", "terms.tbx", '<?xml version="1.0"?><tbx><conceptEntry id="c1"><langSec xml:lang="ar-SY"><termSec><term>حلب</term></termSec></langSec>'
        '<langSec xml:lang="en"><termSec><term>Aleppo</term></termSec></langSec></conceptEntry></tbx>')
    tmx = '<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4"><header srclang="ar"/><body><tu>' \
          '<tuv xml:lang="en-US"><seg><bpt i="1">&lt;b&gt;</bpt>Bold<ept i="1"/> &amp; <![CDATA[<x>]]></seg></tuv>' \
          '<tuv xml:lang="ar"><seg>عريض<ph x="1">{0}</ph> &#1608;عادي</seg></tuv></tu></body></tmx>'
    put("tmx", "memory.tmx", tmx)
    put("tmx", "wide.tmx", tmx.encode("utf-16"))


if __name__ == "__main__":
    for make in [documents, containers, pairs, models, registries, tables]:
        make()
