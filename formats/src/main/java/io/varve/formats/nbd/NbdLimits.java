package io.varve.formats.nbd;

/** Bounds on what a peer may ask for; whoever exceeds them is disconnected. */
public final class NbdLimits {
    /** Longest export or meta context name, in bytes of UTF-8 (proto.md, "Values"). */
    public static final int NAME_BYTES_MAX = 4096;

    /** Longest payload of one option or one option reply. */
    public static final int OPTION_BYTES_MAX = 64 * 1024;

    /** Options that a client may send before it must have entered transmission. */
    public static final int OPTIONS_MAX = 64;

    /** Meta contexts that one connection may select. */
    public static final int CONTEXTS_MAX = 16;

    /** Longest READ or WRITE (proto.md, "Block sizes": what a client may assume without negotiation). */
    public static final int REQUEST_BYTES_MAX = 32 * 1024 * 1024;

    /** Longest READ that's answered in one chunk on demand (DF); proto.md asks for 64 KiB at least. */
    public static final int UNFRAGMENTED_BYTES_MAX = 256 * 1024;

    /** Block status extents in one reply. */
    public static final int STATUS_EXTENTS_MAX = 64 * 1024;

    private NbdLimits() {}
}
