#!/usr/bin/env python3
"""Writes the vectors that the model gives when driven from Python, for the Go driver to be held against.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install tokenizers==0.23.3 onnxruntime numpy
    /tmp/v/bin/python embedding/testdata/make_vectors_golden.py MODEL.ONNX TOKENIZER.JSON

One {"text", "vector"} a line in vectors_golden.jsonl.gz: [CLS] of last_hidden_state, L2-normalised, five decimals.
Int8 kernels differ between CPUs, so that they are compared by their cosine.
"""
import gzip
import io
import json
import pathlib
import sys

import numpy
import onnxruntime
from tokenizers import Tokenizer

TEXTS = [
    "喝白酒能杀死病毒", "紧急通知！喝白酒能杀死病毒，转给家人", "吃了头孢能不能喝酒？", "今晚台风到南通吗", "刚才是地震吗",
    "退休金要重新认证，点这个链接填银行卡号", "高血压病人能不能吃柚子", "燃气泄漏先开窗还是先关阀门", "老人摔倒了要不要马上扶起来",
    "无糖食品糖尿病人可以随便吃", "微波炉加热的食物有辐射，吃了会得癌", "緊急通知！喝白酒能殺死病毒，轉給家人", "COVID-19 mRNA vaccine is safe",
    "打 96110 咨询反诈", "醋", "👨‍👩‍👧‍👦一家人😀", "[SEP]不是特殊符号", "こんにちは世界", "台风来临前加固门窗，储备饮用水和干粮。" * 5,
    "中风的识别：看脸是否歪斜，看手能否抬平，听说话是否含糊，有一样就立即拨打120。" * 40,
]


def main():
    tokenizer = Tokenizer.from_file(sys.argv[2])
    tokenizer.enable_truncation(512)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    lines = io.StringIO()
    for text in TEXTS:
        ids = numpy.array([tokenizer.encode(text).ids], dtype=numpy.int64)
        feeds = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
        vector = session.run(["last_hidden_state"], feeds)[0][0, 0].astype(numpy.float64)
        vector = [round(float(x), 5) for x in vector / numpy.linalg.norm(vector)]
        lines.write(json.dumps({"text": text, "vector": vector}, ensure_ascii=False, separators=(",", ":")) + "\n")
    path = pathlib.Path(__file__).resolve().parent / "vectors_golden.jsonl.gz"
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as f:
        f.write(lines.getvalue().encode())


if __name__ == "__main__":
    main()
