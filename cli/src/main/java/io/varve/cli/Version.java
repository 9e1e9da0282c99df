package io.varve.cli;

import java.io.IOException;
import java.util.Objects;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** The version of this build, which the build writes into {@code version.properties}. */
final class Version implements IVersionProvider {

    /** The number alone. */
    static String number() throws IOException {
        var properties = new Properties();
        try (var resource = Objects.requireNonNull(Version.class.getResourceAsStream("version.properties"))) {
            properties.load(resource);
        }
        return properties.getProperty("version");
    }

    @Override
    public String[] getVersion() throws IOException {
        return new String[] {"varve " + number()};
    }
}
