#!/usr/bin/env python3
"""lexicon.py: makes the rows of the lexicon's table, in the order of their bytes. Usage: lexicon.py WORDS ROWS"""
import sys


def rows(path):
    seen = set()
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        if line.startswith("#") or not line.strip():
            continue
        head, _, phrases = line.partition("|") if "LEX_" not in line else line.rpartition("|")
        name, value, *plural = head.split()
        for phrase in (phrase.strip() for phrase in phrases.split(",")):
            if not phrase or phrase in seen:
                sys.exit(f"{path}:{number}: \"{phrase}\" is empty or stands here twice")
            seen.add(phrase)
            yield phrase, f"LEX_{name}", value, "true" if plural == ["plural"] else "false"


def main():
    words, table = sys.argv[1:]
    with open(table, "w", encoding="utf-8") as out:
        for phrase, name, value, plural in sorted(rows(words), key=lambda row: row[0].encode()):
            out.write(f'{{ SLICE("{phrase}"), {phrase.count(" ") + 1}, {name}, {value}, {plural} }},\n')


main()
