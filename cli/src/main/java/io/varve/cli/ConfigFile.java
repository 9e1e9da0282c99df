package io.varve.cli;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ScopeType;

/**
 * The options that the command line doesn't say: from the properties file that {@code --config} names, else from the
 * {@code varve.properties} that {@code varve up} keeps in its data folder. A key is the option's long name without
 * dashes.
 */
final class ConfigFile implements IDefaultValueProvider {

    private static final String OPTION = "--config";

    /** Where {@code varve up} keeps it when it isn't told where. */
    private static final Path DEFAULT = Path.of("varve-data", "varve.properties");

    private final Properties properties;

    private ConfigFile(Properties properties) {
        this.properties = properties;
    }

    /** The option that every verb has. */
    static OptionSpec option() {
        return OptionSpec.builder(OPTION)
                .type(Path.class)
                .paramLabel("FILE")
                .scopeType(ScopeType.INHERIT)
                .description("Properties file with options; else " + DEFAULT + " where that exists.")
                .build();
    }

    /**
     * Reads the file that these arguments of the command line name, or the one that is there without being named.
     *
     * @throws IOException when a named file is missing or unreadable
     */
    static ConfigFile read(List<String> arguments) throws IOException {
        var named = named(arguments);
        return named.isEmpty() && Files.notExists(DEFAULT)
                ? new ConfigFile(new Properties())
                : new ConfigFile(load(named.orElse(DEFAULT)));
    }

    /**
     * The address of the agent of {@code varve up} with this data folder; blank when it has none.
     *
     * @throws IOException when there's no such folder, or it isn't readable
     */
    static String agentOf(Path data) throws IOException {
        return load(data.resolve(DEFAULT.getFileName())).getProperty("agent", "");
    }

    /** The file that the command line of this verb was given, which is none when it was made without one. */
    static ConfigFile of(CommandSpec verb) {
        return verb.commandLine().getDefaultValueProvider() instanceof ConfigFile config
                ? config
                : new ConfigFile(new Properties());
    }

    /** All that stands in the file, a copy. */
    Properties values() {
        var copy = new Properties();
        copy.putAll(properties);
        return copy;
    }

    /** What stands there under {@code prefix}, with the prefix taken away. */
    Map<String, String> under(String prefix) {
        return properties.stringPropertyNames().stream()
                .filter(name -> name.startsWith(prefix) && name.length() > prefix.length())
                .collect(Collectors.toMap(name -> name.substring(prefix.length()), properties::getProperty));
    }

    private static Optional<Path> named(List<String> arguments) {
        for (int i = 0; i < arguments.size(); i++) {
            var argument = arguments.get(i);
            if (argument.startsWith(OPTION + "=")) {
                return Optional.of(Path.of(argument.substring(OPTION.length() + 1)));
            }
            if (argument.equals(OPTION) && i + 1 < arguments.size()) {
                return Optional.of(Path.of(arguments.get(i + 1)));
            }
        }
        return Optional.empty();
    }

    private static Properties load(Path file) throws IOException {
        var properties = new Properties();
        try (var reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
            return properties;
        } catch (IllegalArgumentException e) {
            throw new IOException("The configuration file " + file + " is malformed: " + e.getMessage(), e);
        } catch (CharacterCodingException e) {
            throw new IOException("The configuration file " + file + " is no text in UTF-8", e);
        } catch (FileSystemException e) {
            // It names the file already.
            throw e;
        } catch (IOException e) {
            throw new IOException("The configuration file " + file + " can't be read: " + e.getMessage(), e);
        }
    }

    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
        return argument instanceof OptionSpec option
                ? properties.getProperty(option.longestName().replaceFirst("^--", ""))
                : null;
    }
}
