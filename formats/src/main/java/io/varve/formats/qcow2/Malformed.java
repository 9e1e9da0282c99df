package io.varve.formats.qcow2;

/** Why bytes aren't an image, or not one of the subset that Varve reads. */
public sealed interface Malformed {

    /** One clause for a message, with what was expected and what was there. */
    String message();

    /** It doesn't begin as a qcow2 image does. */
    record NotQcow2(int magic) implements Malformed {
        @Override
        public String message() {
            return String.format(
                    "isn't a qcow2 image: its magic is 0x%08x; expected 0x%08x", magic, HeaderFields.MAGIC);
        }
    }

    /** The file ends inside a structure. */
    record Truncated(String structure, long expectedBytes, long actualBytes) implements Malformed {
        @Override
        public String message() {
            return "ends too early: " + structure + " needs " + expectedBytes + " bytes; there are " + actualBytes;
        }
    }

    /** A well-formed image of a kind that Varve neither writes nor reads. */
    record Unsupported(String feature) implements Malformed {
        @Override
        public String message() {
            return "uses a qcow2 feature that Varve doesn't read: " + feature;
        }
    }

    /** A field of the header can't be so. */
    record WrongField(String field, long actual, String expected) implements Malformed {
        @Override
        public String message() {
            return "has " + field + " " + actual + "; expected " + expected;
        }
    }

    /** Two structures stand in one place. */
    record Overlapping(String structure, String other, long offsetBytes) implements Malformed {
        @Override
        public String message() {
            return "has " + structure + " where " + other + " stands, at " + offsetBytes
                    + " bytes; run 'qemu-img check' on it";
        }
    }
}
