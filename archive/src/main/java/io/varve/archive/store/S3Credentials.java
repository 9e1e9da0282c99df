package io.varve.archive.store;

import java.util.Optional;

/** A key pair for S3. Its text form never shows the secret. */
public record S3Credentials(String accessKey, String secretKey, Optional<String> sessionToken) {
    public S3Credentials {
        if (accessKey.isBlank() || secretKey.isBlank()) {
            throw new IllegalArgumentException("S3 credentials need an access key and a secret key; one is empty");
        }
    }

    @Override
    public String toString() {
        return "S3Credentials[accessKey=" + accessKey + "]";
    }
}
