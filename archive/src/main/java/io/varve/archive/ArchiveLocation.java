package io.varve.archive;

import java.nio.file.Path;

/** Where an archive is, as {@code --archive} names it: {@code s3://BUCKET/PREFIX} or {@code file:DIR}. */
public sealed interface ArchiveLocation {
    String S3_SCHEME = "s3://";
    String FILE_SCHEME = "file:";

    /**
     * Below a prefix of a bucket.
     *
     * @param prefix without slashes at its ends; may be empty
     */
    record Bucket(String bucket, String prefix) implements ArchiveLocation {
        @Override
        public String toString() {
            return S3_SCHEME + bucket + (prefix.isEmpty() ? "" : "/" + prefix);
        }
    }

    /** A folder. */
    record Folder(Path folder) implements ArchiveLocation {
        @Override
        public String toString() {
            return FILE_SCHEME + folder;
        }
    }

    /**
     * Reads a location.
     *
     * @throws IllegalArgumentException saying what is expected
     */
    static ArchiveLocation parse(String text) {
        if (text.startsWith(S3_SCHEME)) {
            String rest = text.substring(S3_SCHEME.length());
            int slash = rest.indexOf('/');
            String bucket = slash < 0 ? rest : rest.substring(0, slash);
            String prefix = slash < 0 ? "" : rest.substring(slash + 1).replaceAll("^/+|/+$", "");
            if (!bucket.isEmpty()) {
                return new Bucket(bucket, prefix);
            }
        }
        if (text.startsWith(FILE_SCHEME) && text.length() > FILE_SCHEME.length()) {
            return new Folder(Path.of(text.substring(FILE_SCHEME.length()).replaceFirst("^///", "/")));
        }
        throw new IllegalArgumentException("'" + text + "' isn't an archive; expected s3://BUCKET/PREFIX or file:DIR");
    }
}
