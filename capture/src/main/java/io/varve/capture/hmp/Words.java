package io.varve.capture.hmp;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Splits a command line as QEMU's monitor does: at spaces, but for what stands in quotes. */
final class Words {
    private Words() {}

    static List<String> of(String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int index = 0; index < line.length(); index++) {
            char c = line.charAt(index);
            if (quote != 0) {
                if (c == '\\' && index + 1 < line.length()) {
                    word.append(line.charAt(++index));
                } else if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '"' || c == '\'') {
                quote = c;
                inWord = true;
            } else if (Character.isWhitespace(c)) {
                if (inWord) {
                    words.add(word.toString());
                    word.setLength(0);
                    inWord = false;
                }
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }

    /**
     * A number as qemu-io takes it: decimal or 0x…, with a suffix that multiplies; what begins with 0 is decimal here.
     *
     * @throws NumberFormatException when it's none
     */
    static long number(String text) {
        if (text.toLowerCase(Locale.ROOT).startsWith("0x")) {
            return Long.decode(text);
        }
        int last = text.length() - 1;
        int shift = last < 0
                ? 0
                : switch (text.charAt(last)) {
                    case 'k', 'K' -> 10;
                    case 'm', 'M' -> 20;
                    case 'g', 'G' -> 30;
                    case 't', 'T' -> 40;
                    case 'p', 'P' -> 50;
                    case 'e', 'E' -> 60;
                    default -> 0;
                };
        boolean hasSuffix = shift > 0 || text.endsWith("b") || text.endsWith("B");
        String digits = hasSuffix ? text.substring(0, last) : text;
        return shift > 0 && digits.contains(".")
                ? (long) (Double.parseDouble(digits) * (1L << shift))
                : Math.multiplyExact(Long.parseLong(digits), 1L << shift);
    }
}
