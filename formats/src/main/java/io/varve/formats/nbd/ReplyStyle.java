package io.varve.formats.nbd;

/** How READs and errors are answered. */
public enum ReplyStyle {
    SIMPLE,
    STRUCTURED
}
