"""Find turns of phrase that a native reader stumbles over: .venv/bin/python scripts/wording.py [PATH ...]

Looks at prose only: Markdown without its code, and comments and strings of Python. A line where the words are right
ends with ``wording: right`` in a comment.
"""

from __future__ import annotations

import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROSE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "scripts", "pulsar_cam", "tests"]
NOT_YET = ["scripts/wording.py", "pulsar_cam/cli"]

HABITS = {
    r"in place of": "instead of",
    r"(tells?|told|telling)(?! apart\b)": "say, report, log, return, know, distinguish",
    r"nobody|somebody|whoever": "no client, a user, the caller; or the passive",
    r"(?<!there\s)(is|are|was|were) no (?!longer\b|more\b|less\b)": "is not a ...",
    r"but for": "except for",
    r"anew": "again",
    r"lately": "recently",
    r"so (many|much)": "that many, or a number",
    r"(for|to|by) who": "for those who, for the user",
    r"lets? (us|it|them) in|(be|is|was|are|been) let in": "authenticate, accept, reject our credentials",
    r"again is fine": "may be repeated",
    r"all along": "all the time, continuously",
    r"without a word": "silently",
    r"taken for": "treated as",
    r"whom we trust": "trusted",
}
WORDS = re.compile(
    "|".join(rf"\b(?P<w{number}>{habit})\b".replace(" ", r"\s+") for number, habit in enumerate(HABITS)),
    re.IGNORECASE,
)
CODE = {
    ".md": re.compile(r"^```.*?^```|^    [^\n]*|`[^`]*`", re.DOTALL | re.MULTILINE),
    ".py": re.compile(r"``[^`]*``|`[^`]*`"),
}
PLACE = re.compile(r"\{[^{}\n]*\}")  # of a value in a text; Python 3.11 has both in one token
ESCAPE = "wording: right"
MOST_COLUMNS = 118


def main() -> int:
    """Print what was found in these paths, or in all that is clean; return 1 if there was anything."""
    prose = [file for path in sys.argv[1:] or PROSE for file in files(ROOT / path)]
    skipped = () if sys.argv[1:] else tuple(str(ROOT / path) for path in NOT_YET)
    found = [each for file in prose if not str(file).startswith(skipped) for each in complaints(file)]
    print(*found, sep="\n" if found else "", end="\n" if found else "")
    return 1 if found else 0


def files(path: Path) -> list[Path]:
    """Return the files with prose in a folder, or the file itself."""
    return sorted(each for ending in ("md", "py") for each in path.rglob(f"*.{ending}")) if path.is_dir() else [path]


def complaints(file: Path) -> Iterator[str]:
    """Yield a line for each habit in a file, and for each line of Markdown that is too long."""
    text = file.read_text(encoding="utf-8")
    lines, name = text.splitlines(), file.relative_to(ROOT)
    for first, prose in prose_of_python(file) if file.suffix == ".py" else [(1, text)]:
        for match in WORDS.finditer(CODE[file.suffix].sub(blanked, prose)):
            at = first + prose.count("\n", 0, match.start())
            if ESCAPE not in lines[at - 1]:
                better = list(HABITS.values())[int(str(match.lastgroup)[1:])]
                yield f"{name}:{at}: '{' '.join(match[0].split())}': rather {better}"
    for at, line in enumerate(lines if file.suffix == ".md" else [], 1):
        if len(line) > MOST_COLUMNS and not line.startswith(("|", "![")):
            yield f"{name}:{at}: more than {MOST_COLUMNS} columns"


def blanked(code: re.Match[str]) -> str:
    """Return as many blanks as there is code, in as many lines."""
    return re.sub(r"\S", " ", code[0])


def prose_of_python(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the comments and strings of a program, each with the number of its first line."""
    prose = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    with tokenize.open(file) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type in prose:
                yield token.start[0], PLACE.sub(blanked, token.string)


if __name__ == "__main__":
    sys.exit(main())
