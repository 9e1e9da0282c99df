package io.varve.archive.store;

import io.minio.credentials.Credentials;
import io.minio.credentials.Provider;

/** Hands the SDK the key pair that the configuration names. */
final class FixedCredentials implements Provider {
    private final Credentials credentials;

    FixedCredentials(S3Credentials keys) {
        credentials = new Credentials(
                keys.accessKey(), keys.secretKey(), keys.sessionToken().orElse(null), null);
    }

    @Override
    public Credentials fetch() {
        return credentials;
    }
}
