"""Model vendors behind one protocol; knows no feature."""
