"""What a run in the sandbox can end with, beside a result."""


class SandboxUnavailable(Exception):
    """The machine does not give the guarantees, so nothing was run."""


class CodeFailed(Exception):
    """The code raised, said too much, or was stopped, as the sentence says; ``log`` is the end of what it printed."""

    def __init__(self, sentence: str, log: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.log = log
