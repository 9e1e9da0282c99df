package io.varve.formats.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A server's reply to an option (proto.md, "Fixed newstyle negotiation"):
 *
 * <pre>
 *  0        8         12      16       20
 *  | magic  | option  | type  | length | payload
 * </pre>
 */
record OptionReply(int optionCode, OptionReplyType type, ByteBuffer payload) {
    static final int HEADER_BYTES = 20;

    static OptionReply of(int optionCode, OptionReplyType type, String text) {
        return new OptionReply(optionCode, type, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    static OptionReply acknowledge(int optionCode) {
        return new OptionReply(optionCode, OptionReplyType.ACK, ByteBuffer.allocate(0));
    }

    int encodedBytes() {
        return HEADER_BYTES + payload.remaining();
    }

    void encode(ByteBuffer out) {
        out.putLong(NbdMagic.OPTION_REPLY)
                .putInt(optionCode)
                .putInt(type.code())
                .putInt(payload.remaining());
        out.put(payload.duplicate());
    }

    static Decoding<OptionReply> decode(ByteBuffer in) {
        if (in.remaining() < HEADER_BYTES) {
            return new Decoding.NeedMore<>(HEADER_BYTES - in.remaining());
        }
        int start = in.position();
        if (in.getLong(start) != NbdMagic.OPTION_REPLY) {
            return new Decoding.Malformed<>(String.format(
                    "option reply magic is 0x%016x, expected 0x%016x", in.getLong(start), NbdMagic.OPTION_REPLY));
        }
        long lengthBytes = Integer.toUnsignedLong(in.getInt(start + 16));
        if (lengthBytes > NbdLimits.OPTION_BYTES_MAX) {
            return new Decoding.Malformed<>("option reply announces " + lengthBytes + " bytes, at most "
                    + NbdLimits.OPTION_BYTES_MAX + " are accepted");
        }
        int wholeBytes = HEADER_BYTES + (int) lengthBytes;
        if (in.remaining() < wholeBytes) {
            return new Decoding.NeedMore<>(wholeBytes - in.remaining());
        }
        OptionReply reply = new OptionReply(
                in.getInt(start + 8), OptionReplyType.of(in.getInt(start + 12)), in.slice(start + HEADER_BYTES, (int)
                        lengthBytes));
        in.position(start + wholeBytes);
        return new Decoding.Decoded<>(reply);
    }
}
