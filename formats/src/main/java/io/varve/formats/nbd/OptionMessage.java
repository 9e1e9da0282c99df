package io.varve.formats.nbd;

import java.nio.ByteBuffer;

/**
 * An option as the client sends it (proto.md, "Fixed newstyle negotiation"):
 *
 * <pre>
 *  0            8         12       16
 *  | IHAVEOPT   | option  | length | payload
 * </pre>
 *
 * @param code as sent, to be echoed
 */
record OptionMessage(int code, ByteBuffer payload) {
    static final int HEADER_BYTES = 16;

    OptionCode option() {
        return OptionCode.of(code);
    }

    static Decoding<OptionMessage> decode(ByteBuffer in) {
        if (in.remaining() < HEADER_BYTES) {
            return new Decoding.NeedMore<>(HEADER_BYTES - in.remaining());
        }
        int start = in.position();
        if (in.getLong(start) != NbdMagic.OPTION) {
            return new Decoding.Malformed<>(
                    String.format("option magic is 0x%016x, expected 0x%016x", in.getLong(start), NbdMagic.OPTION));
        }
        int code = in.getInt(start + 8);
        long lengthBytes = Integer.toUnsignedLong(in.getInt(start + 12));
        if (lengthBytes > NbdLimits.OPTION_BYTES_MAX) {
            return new Decoding.Malformed<>("option " + Integer.toUnsignedString(code) + " announces " + lengthBytes
                    + " bytes, at most " + NbdLimits.OPTION_BYTES_MAX + " are accepted");
        }
        int wholeBytes = HEADER_BYTES + (int) lengthBytes;
        if (in.remaining() < wholeBytes) {
            return new Decoding.NeedMore<>(wholeBytes - in.remaining());
        }
        OptionMessage message = new OptionMessage(code, in.slice(start + HEADER_BYTES, (int) lengthBytes));
        in.position(start + wholeBytes);
        return new Decoding.Decoded<>(message);
    }

    void encode(ByteBuffer out) {
        out.putLong(NbdMagic.OPTION).putInt(code).putInt(payload.remaining());
        out.put(payload.duplicate());
    }
}
