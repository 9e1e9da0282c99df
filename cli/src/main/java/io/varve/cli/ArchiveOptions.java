package io.varve.cli;

import io.varve.archive.ArchiveSettings;
import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where the archive is, in the words of {@link ArchiveSettings}. */
final class ArchiveOptions {

    @Spec(Spec.Target.MIXEE)
    private CommandSpec verb;

    @Option(names = "--archive", paramLabel = "LOCATION", description = "s3://BUCKET/PREFIX or file:DIR.")
    private String archive = "";

    @Option(names = "--s3-endpoint", paramLabel = "URL", description = "The S3 server; AWS when not said.")
    private String endpoint = "";

    @Option(names = "--s3-region", paramLabel = "REGION", description = "Its region.")
    private String region = "";

    @Option(
            names = "--s3-credentials",
            paramLabel = "FILE",
            description = "Properties file with s3-access-key and s3-secret-key; else AWS's environment variables.")
    private String credentials = "";

    /**
     * The settings: these options, then the configuration file, then the environment.
     *
     * @throws ParameterException when they make no archive
     * @throws IOException when a file that they name can't be read
     */
    ArchiveSettings settings(Map<String, String> environment) throws IOException {
        var values = ConfigFile.of(verb).values();
        var said = Map.of(
                ArchiveSettings.ARCHIVE, archive,
                ArchiveSettings.ENDPOINT, endpoint,
                ArchiveSettings.REGION, region,
                ArchiveSettings.CREDENTIALS, credentials);
        said.forEach((name, value) -> {
            if (!value.isEmpty()) {
                values.setProperty(name, value);
            }
        });
        try {
            return ArchiveSettings.of(values, environment);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(verb.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }
}
