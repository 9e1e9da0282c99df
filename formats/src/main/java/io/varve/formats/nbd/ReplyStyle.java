package io.varve.formats.nbd;

/** How requests and replies look: what was negotiated last. */
public enum ReplyStyle {
    /** Each reply is one message; a READ's data follows it. */
    SIMPLE,
    /** Replies are chunks; requests are as with {@link #SIMPLE}. */
    STRUCTURED,
    /** Chunks, with lengths of 64 bits in requests and replies (proto.md, EXTENDED_HEADERS). */
    EXTENDED
}
