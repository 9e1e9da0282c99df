package io.varve.cli.rules;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import org.junit.jupiter.api.Test;

/** What no class is called, and which classes of others nobody uses. */
class NameRulesTest {

    @Test
    void shouldNameClassesForWhatTheyAre() {
        noClasses()
                .should()
                .haveNameMatching(".*\\.(Abstract|Base)[A-Z][^.]*|.*(Utils?|Helper|Manager|Impl)(\\$.*)?")
                .check(ProjectClasses.ALL);
    }

    /** A record that Kafka Streams skips is a lost bit. */
    @Test
    void shouldNeverLogAndContinue() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveNameMatching("org\\.apache\\.kafka\\..*LogAndContinue.*")
                .check(ProjectClasses.ALL);
    }

    @Test
    void shouldLogThroughSlf4jAlone() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "java.util.logging", "org.apache.log4j..", "org.apache.logging..", "ch.qos.logback..")
                .check(ProjectClasses.ALL);
    }
}
