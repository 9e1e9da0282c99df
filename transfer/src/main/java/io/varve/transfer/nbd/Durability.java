package io.varve.transfer.nbd;

/** What a finished change means. */
public enum Durability {
    /** It's seen by later reads; a flush makes it durable. */
    CACHED,
    /** It's on stable storage (FUA). */
    DURABLE
}
