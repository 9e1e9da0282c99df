package io.varve.archive.store;

import java.net.URI;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Which bucket, where, and how it's reached.
 *
 * @param endpoint the server, as {@code http://127.0.0.1:9000}
 * @param prefix below which all keys stand, without slashes at its ends; may be empty
 * @param credentials empty for an anonymous reader
 */
public record S3Bucket(String name, String prefix, Endpoint endpoint, Optional<S3Credentials> credentials) {
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");
    private static final Pattern PREFIX = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._/-]*");
    private static final int MAX_PREFIX = 400;

    /** How a bucket's name goes into a URL. */
    public enum Addressing {
        /** {@code http://server/bucket/key}, as most servers of one's own want it. */
        PATH,
        /** {@code http://bucket.server/key}, as AWS wants it. */
        VIRTUAL_HOST
    }

    /** A server that speaks S3. */
    public record Endpoint(URI uri, String region, Addressing addressing) {
        public Endpoint {
            boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            if (!web || uri.getHost() == null) {
                throw new IllegalArgumentException(
                        "the S3 endpoint '" + uri + "' isn't a URL; expected http://HOST:PORT or https://HOST");
            }
        }

        /** AWS itself. */
        public static Endpoint aws(String region) {
            return new Endpoint(URI.create("https://s3." + region + ".amazonaws.com"), region, Addressing.VIRTUAL_HOST);
        }
    }

    public S3Bucket {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "'" + name + "' isn't a bucket's name; expected 3 to 63 of a-z, 0-9, '-' and '.'");
        }
        boolean clean = prefix.length() <= MAX_PREFIX && !prefix.endsWith("/") && !prefix.contains("//");
        if (!prefix.isEmpty() && !(clean && PREFIX.matcher(prefix).matches())) {
            throw new IllegalArgumentException(
                    "'" + prefix + "' can't be an archive's prefix; expected letters, digits,"
                            + " '-', '_', '.' in parts joined by single '/'");
        }
    }
}
