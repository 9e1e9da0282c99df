package io.varve.embedded.stack;

import java.util.HexFormat;
import java.util.Map;
import java.util.random.RandomGenerator;

/** A key pair of an S3 server. */
public record S3Credentials(String accessKey, String secretKey) {

    private static final int SECRET_LENGTH_BYTES = 20;

    /**
     * A new key pair.
     *
     * @param random must be a secure source when others can reach the server
     */
    public static S3Credentials random(RandomGenerator random) {
        var secret = new byte[SECRET_LENGTH_BYTES];
        random.nextBytes(secret);
        return new S3Credentials("varve", HexFormat.of().formatHex(secret));
    }

    /** The pair under the environment variables that S3's clients read. */
    public Map<String, String> toEnvironment() {
        return Map.of("AWS_ACCESS_KEY_ID", accessKey, "AWS_SECRET_ACCESS_KEY", secretKey);
    }

    /** Without the secret, so that it gets into no log. */
    @Override
    public String toString() {
        return "S3Credentials[" + accessKey + "]";
    }
}
