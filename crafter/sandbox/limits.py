"""What a run may use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of computing and in all, bytes of memory, of the result, and of what the code prints."""

    cpu_seconds: int = 5
    wall_seconds: float = 10.0
    memory_bytes: int = 256 * 1024 * 1024
    output_bytes: int = 256 * 1024
    log_bytes: int = 64 * 1024

    def of_the_process(self) -> dict[str, float]:
        """Those that the process lays upon itself; the others are for whoever reads what it writes."""
        return {
            "cpu_seconds": self.cpu_seconds,
            "wall_seconds": self.wall_seconds,
            "memory_bytes": self.memory_bytes,
        }
