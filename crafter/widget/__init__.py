"""The files of the chat widget, served from a directory of the operator's."""
