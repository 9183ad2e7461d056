"""The one error that a person sees: what happened and what to do about it."""


class ClusterError(Exception):
    """A failure whose text is printed as it is, without a stack trace."""
