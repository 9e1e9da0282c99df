package io.varve.formats.nbd;

/** The options of the handshake (proto.md, "Option types"). */
enum OptionCode {
    EXPORT_NAME(1),
    ABORT(2),
    LIST(3),
    STARTTLS(5),
    INFO(6),
    GO(7),
    STRUCTURED_REPLY(8),
    LIST_META_CONTEXT(9),
    SET_META_CONTEXT(10),
    EXTENDED_HEADERS(11),
    /** Any other; it's answered with NBD_REP_ERR_UNSUP. */
    UNKNOWN(-1);

    private final int code;

    OptionCode(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    static OptionCode of(int code) {
        for (OptionCode option : values()) {
            if (option.code == code) {
                return option;
            }
        }
        return UNKNOWN;
    }
}
