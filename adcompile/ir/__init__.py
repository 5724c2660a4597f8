"""The intermediate representation: small, typed, immutable, structured."""
