package io.varve.formats.nbd;

/** The magic numbers of the NBD protocol (proto.md, "Protocol phases"). */
final class NbdMagic {
    /** {@code NBDMAGIC}, the first eight bytes from a server. */
    static final long GREETING = 0x4e42444d41474943L;

    /** {@code IHAVEOPT}: a newstyle server, and the start of each option. */
    static final long OPTION = 0x49484156454F5054L;

    static final long OPTION_REPLY = 0x0003e889045565a9L;
    static final int REQUEST = 0x25609513;
    static final int EXTENDED_REQUEST = 0x21e41c71;
    static final int SIMPLE_REPLY = 0x67446698;
    static final int STRUCTURED_REPLY = 0x668e33ef;
    static final int EXTENDED_REPLY = 0x6e8a278c;

    /** Handshake flags of the server and the client. */
    static final int FLAG_FIXED_NEWSTYLE = 1;

    static final int FLAG_NO_ZEROES = 2;

    private NbdMagic() {}
}
