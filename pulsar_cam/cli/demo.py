EXAMPLES = ""


def demo() -> None: ...
