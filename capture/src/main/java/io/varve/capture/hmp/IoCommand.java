package io.varve.capture.hmp;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A command of qemu-io (its qemu-io-cmds.c), read. */
sealed interface IoCommand {
    /**
     * Writes a pattern, or zeroes.
     *
     * @param zero whether zeroes are written as such ({@code -z})
     * @param unmap whether they may give space back ({@code -u})
     * @param durable whether a flush follows ({@code -f})
     */
    record Write(
            long offsetBytes,
            long lengthBytes,
            int pattern,
            boolean zero,
            boolean unmap,
            boolean durable,
            boolean quiet)
            implements IoCommand {}

    /**
     * Reads.
     *
     * @param pattern what must be there
     */
    record Read(long offsetBytes, long lengthBytes, Optional<Integer> pattern, boolean quiet) implements IoCommand {}

    record Discard(long offsetBytes, long lengthBytes, boolean quiet) implements IoCommand {}

    record Flush() implements IoCommand {}

    record Length() implements IoCommand {}

    record Truncate(long sizeBytes) implements IoCommand {}

    /** Suspends the next request that meets a blkdebug event. */
    record Break(String event, String tag) implements IoCommand {}

    /** Lets go on what a break of this tag suspended. */
    record RemoveBreak(String tag) implements IoCommand {}

    /** What isn't understood, in qemu-io's words. */
    record Unknown(String complaint) implements IoCommand {}

    /** What qemu-io writes when nobody says what. */
    int PATTERN = 0xcd;

    static IoCommand parse(String line) {
        List<String> words = Words.of(line);
        if (words.isEmpty()) {
            return new Unknown("");
        }
        if (words.getFirst().equals("break") && words.size() == 3) {
            return new Break(words.get(1), words.get(2));
        }
        if (List.of("remove_break", "resume").contains(words.getFirst()) && words.size() == 2) {
            return new RemoveBreak(words.get(1));
        }
        try {
            return parse(words.getFirst(), new Options(words.subList(1, words.size())));
        } catch (ArithmeticException | NumberFormatException e) {
            return new Unknown("non-numeric argument in '" + line + "'\n");
        }
    }

    private static IoCommand parse(String verb, Options options) {
        return switch (verb) {
            case "write", "w", "writev", "aio_write", "aio_writev" ->
                options.places() < 2
                        ? tooFew(verb)
                        : new Write(
                                options.number(0),
                                options.total(1),
                                options.pattern().orElse(PATTERN),
                                options.has('z'),
                                options.has('u'),
                                options.has('f'),
                                options.has('q'));
            case "read", "r", "readv", "aio_read" ->
                options.places() < 2
                        ? tooFew(verb)
                        : new Read(options.number(0), options.total(1), options.pattern(), options.has('q'));
            case "discard", "d" ->
                options.places() < 2
                        ? tooFew(verb)
                        : new Discard(options.number(0), options.number(1), options.has('q'));
            case "flush", "f", "aio_flush" -> new Flush();
            case "length", "l" -> new Length();
            case "truncate", "t" -> options.places() < 1 ? tooFew(verb) : new Truncate(options.number(0));
            default -> new Unknown("command \"" + verb + "\" not found\n");
        };
    }

    private static Unknown tooFew(String verb) {
        return new Unknown("bad argument count to " + verb + "\n");
    }

    /** Flags, the pattern, and what stands without a dash. */
    final class Options {
        private final StringBuilder flags = new StringBuilder();
        private final List<Long> numbers = new ArrayList<>();
        private Optional<Integer> pattern = Optional.empty();

        Options(List<String> words) {
            for (int index = 0; index < words.size(); index++) {
                String word = words.get(index);
                if (word.startsWith("-P")) {
                    String value = word.length() > 2 ? word.substring(2) : words.get(++index);
                    pattern = Optional.of((int) Words.number(value) & 0xff);
                } else if (word.startsWith("-") && word.length() > 1) {
                    flags.append(word, 1, word.length());
                } else {
                    numbers.add(Words.number(word));
                }
            }
        }

        int places() {
            return numbers.size();
        }

        long number(int index) {
            return numbers.get(index);
        }

        /** The lengths of a vector together. */
        long total(int first) {
            return numbers.stream().skip(first).mapToLong(Long::longValue).sum();
        }

        boolean has(char flag) {
            return flags.indexOf(String.valueOf(flag)) >= 0;
        }

        Optional<Integer> pattern() {
            return pattern;
        }
    }
}
