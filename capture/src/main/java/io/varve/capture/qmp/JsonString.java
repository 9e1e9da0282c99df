package io.varve.capture.qmp;

import io.varve.capture.qmp.JsonReader.BrokenException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The text that a string token means, with the complaints of QEMU's json-parser. */
final class JsonString {
    private static final int HEX_DIGITS = 4;

    private JsonString() {}

    /** @param token with its quotes */
    static String decode(ByteBuffer token) throws BrokenException {
        String raw = utf8(token);
        StringBuilder text = new StringBuilder(raw.length());
        int end = raw.length() - 1;
        for (int place = 1; place < end; place++) {
            char c = raw.charAt(place);
            if (c != '\\') {
                text.append(c);
                continue;
            }
            char escaped = raw.charAt(++place);
            if (escaped == 'u') {
                place = unicode(raw, place + 1, text) - 1;
            } else {
                text.append(plain(escaped));
            }
        }
        return text.toString();
    }

    private static String utf8(ByteBuffer token) throws BrokenException {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(token.duplicate())
                    .toString();
            if (text.codePoints().noneMatch(JsonString::isNoncharacter)) {
                return text;
            }
        } catch (CharacterCodingException e) {
            throw new BrokenException("invalid UTF-8 sequence in string");
        }
        throw new BrokenException("invalid UTF-8 sequence in string");
    }

    /** A code point that Unicode will never give a character. */
    private static boolean isNoncharacter(int point) {
        return (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe;
    }

    private static char plain(char escaped) throws BrokenException {
        return switch (escaped) {
            case '"', '\'', '\\', '/' -> escaped;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            default -> throw new BrokenException("invalid escape sequence in string");
        };
    }

    /**
     * Appends what the digits at {@code place}, and another escape that is the second half of a pair, mean.
     *
     * @return the place behind
     */
    private static int unicode(String raw, int place, StringBuilder text) throws BrokenException {
        int unit = hex(raw, place);
        int behind = place + HEX_DIGITS;
        if (unit >= 0 && Character.isHighSurrogate((char) unit) && raw.startsWith("\\u", behind)) {
            int low = hex(raw, behind + 2);
            if (low >= 0 && Character.isLowSurrogate((char) low)) {
                int point = Character.toCodePoint((char) unit, (char) low);
                text.appendCodePoint(checked(point, raw, place));
                return behind + 2 + HEX_DIGITS;
            }
        }
        text.appendCodePoint(checked(unit, raw, place));
        return behind;
    }

    private static int checked(int point, String raw, int place) throws BrokenException {
        boolean isHalf = point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE;
        if (point < 0 || isHalf || isNoncharacter(point)) {
            String digits = raw.substring(place, Math.min(raw.length(), place + HEX_DIGITS));
            throw new BrokenException("\\u" + digits + " is not a valid Unicode character");
        }
        return point;
    }

    /** Minus one for what are no four digits. */
    private static int hex(String raw, int place) {
        int value = 0;
        for (int index = place; index < place + HEX_DIGITS; index++) {
            int digit = index < raw.length() ? Character.digit(raw.charAt(index), 16) : -1;
            if (digit < 0 || raw.charAt(index) > 'f') {
                return -1;
            }
            value = value << 4 | digit;
        }
        return value;
    }
}
