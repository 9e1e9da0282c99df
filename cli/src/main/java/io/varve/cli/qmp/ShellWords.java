package io.varve.cli.qmp;

import java.util.ArrayList;
import java.util.List;

/** Splits a line at spaces, but for those within quotes or brackets; a JSON parser reads the quotes later. */
final class ShellWords {
    private final String line;
    private final StringBuilder word = new StringBuilder();
    private final List<String> words = new ArrayList<>();
    private int depth;
    private char quote;

    ShellWords(String line) {
        this.line = line;
    }

    List<String> split() {
        for (int i = 0; i < line.length(); i++) {
            take(line.charAt(i), i > 0 && line.charAt(i - 1) == '\\');
        }
        end();
        return words;
    }

    private void take(char next, boolean escaped) {
        if (quote != 0) {
            quote = next == quote && !escaped ? 0 : quote;
        } else if (next == '"' || next == '\'') {
            quote = next;
        } else if (next == '{' || next == '[') {
            depth++;
        } else if (next == '}' || next == ']') {
            depth = Math.max(0, depth - 1);
        } else if (Character.isWhitespace(next) && depth == 0) {
            end();
            return;
        }
        word.append(next);
    }

    private void end() {
        if (!word.isEmpty()) {
            words.add(word.toString());
            word.setLength(0);
        }
    }
}
