"""`POST /v1/audio/speech`: from a body to a stream of sound, in any format, while it is made."""
