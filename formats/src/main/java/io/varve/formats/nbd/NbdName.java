package io.varve.formats.nbd;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Reads and writes names as the handshake has them: 32 bits of length, then UTF-8. */
final class NbdName {
    private NbdName() {}

    /** Reads a length and a name out of an option's payload, which is there as a whole. */
    static Decoding<String> decode(ByteBuffer in) {
        if (in.remaining() < 4) {
            return new Decoding.Malformed<>("a name's length is missing");
        }
        long lengthBytes = Integer.toUnsignedLong(in.getInt());
        if (lengthBytes > NbdLimits.NAME_BYTES_MAX) {
            return new Decoding.Malformed<>(
                    "a name of " + lengthBytes + " bytes, at most " + NbdLimits.NAME_BYTES_MAX + " are accepted");
        }
        if (lengthBytes > in.remaining()) {
            return new Decoding.Malformed<>(
                    "a name of " + lengthBytes + " bytes in an option with " + in.remaining() + " left");
        }
        ByteBuffer name = in.slice(in.position(), (int) lengthBytes);
        in.position(in.position() + (int) lengthBytes);
        return text(name);
    }

    /** The whole of {@code in} as text. */
    static Decoding<String> text(ByteBuffer in) {
        if (in.remaining() > NbdLimits.NAME_BYTES_MAX) {
            return new Decoding.Malformed<>(
                    "a name of " + in.remaining() + " bytes, at most " + NbdLimits.NAME_BYTES_MAX + " are accepted");
        }
        try {
            CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(in);
            return new Decoding.Decoded<>(text.toString());
        } catch (CharacterCodingException e) {
            return new Decoding.Malformed<>("a name that isn't UTF-8");
        }
    }

    static byte[] bytes(String name) {
        return name.getBytes(StandardCharsets.UTF_8);
    }
}
