package io.varve.formats.nbd;

/** The replies to options (proto.md, "Option reply types"); errors have the top bit set. */
enum OptionReplyType {
    ACK(1),
    SERVER(2),
    INFO(3),
    META_CONTEXT(4),
    ERR_UNSUP(1 << 31 | 1),
    ERR_POLICY(1 << 31 | 2),
    ERR_INVALID(1 << 31 | 3),
    ERR_PLATFORM(1 << 31 | 4),
    ERR_TLS_REQD(1 << 31 | 5),
    ERR_UNKNOWN(1 << 31 | 6),
    ERR_SHUTDOWN(1 << 31 | 7),
    ERR_BLOCK_SIZE_REQD(1 << 31 | 8),
    ERR_TOO_BIG(1 << 31 | 9),
    ERR_EXT_HEADER_REQD(1 << 31 | 10),
    /** An error that isn't known here. */
    ERR_OTHER(1 << 31),
    /** Anything else that isn't known here. */
    OTHER(0);

    private final int code;

    OptionReplyType(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    boolean isError() {
        return code < 0;
    }

    static OptionReplyType of(int code) {
        for (OptionReplyType type : values()) {
            if (type.code == code) {
                return type;
            }
        }
        return code < 0 ? ERR_OTHER : OTHER;
    }
}
