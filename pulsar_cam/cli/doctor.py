EXAMPLES = ""


def doctor() -> None: ...
