package io.varve.formats.nbd;

/** A meta context that both sides agreed on, and the id by which block status chunks name it. */
public record NegotiatedContext(int id, String name) {}
