"""With whom: what users of other libraries write to have the same result."""
