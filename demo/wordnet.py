#!/usr/bin/env python3
"""Turns WordNet's data files into one for COPY: id, part of speech, words, gloss.

    wordnet.py WORDNET-FOLDER > senses.tsv

A line of data.noun (see wndb(5WN)):
    00007846 03 n 06 person 0 individual 0 … | a human being; "there was …"
offset, file number, type, the number of words in hexadecimal, then each word
and a number; the gloss follows the bar.
"""

import re
import sys

FILES = (("noun", "noun"), ("verb", "verb"), ("adj", "adjective"), ("adv", "adverb"))


def main():
    folder, = sys.argv[1:]
    out = sys.stdout
    number = 0
    for name, part_of_speech in FILES:
        with open(f"{folder}/data.{name}", encoding="utf-8") as file:
            for line in file:
                if line.startswith("  "):       # the licence
                    continue
                data, gloss = line.rstrip().split(" | ", 1)
                field = data.split(" ")
                count = int(field[3], 16)
                # galore(ip): where an adjective may stand is not part of it.
                words = [re.sub(r"\((a|p|ip)\)$", "", w).replace("_", " ")
                         for w in field[4:4 + 2 * count:2]]
                number += 1
                columns = (str(number), part_of_speech, ", ".join(words), gloss)
                out.write("\t".join(c.replace("\\", "\\\\") for c in columns) + "\n")


if __name__ == "__main__":
    main()
