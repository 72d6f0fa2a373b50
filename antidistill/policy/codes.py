"""The code of every kind of mistake that a policy can have. Codes are stable: none is ever used for something else."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Code(StrEnum):
    """Kinds of mistakes; `docs/policy.md` has each with an example. From AD060 on they are warnings."""

    UNREADABLE = "AD001"
    TOO_LARGE = "AD002"
    ENCODING = "AD003"
    SYNTAX = "AD004"
    DUPLICATE_KEY = "AD005"
    ALIAS = "AD006"
    NO_MAPPING = "AD007"
    TOO_DEEP = "AD008"
    UNSET_VARIABLE = "AD009"
    BAD_VARIABLE = "AD010"

    UNKNOWN_KEY = "AD011"
    WRONG_TYPE = "AD012"
    MISSING_KEY = "AD013"
    WRONG_CHOICE = "AD014"
    OUT_OF_RANGE = "AD015"
    WRONG_VERSION = "AD016"
    BAD_DATE = "AD017"
    BAD_ID = "AD018"
    DUPLICATE_ID = "AD019"

    UNKNOWN_FACT = "AD020"
    UNKNOWN_OPERATOR = "AD021"
    UNFIT_OPERATOR = "AD022"
    WRONG_VALUE = "AD023"
    BAD_NESTING = "AD024"
    UNKNOWN_QUOTA = "AD025"
    QUOTA_IN_QUOTA = "AD026"

    UNKNOWN_ACTION = "AD030"
    BAD_PARAMETERS = "AD032"
    BAD_ACTION = "AD033"
    EMPTY_THEN = "AD034"
    BROKEN_PLUGIN = "AD035"
    TOO_LATE = "AD036"
    UNKNOWN_PLUGIN = "AD037"

    BAD_LIMIT = "AD040"
    BAD_BURST = "AD041"
    BAD_SCOPE = "AD042"
    BAD_IDENTITY = "AD043"
    BAD_STORE = "AD044"
    BAD_ALERTS = "AD045"
    BAD_ALGORITHM = "AD046"
    BAD_BREACHES = "AD047"
    BAD_PROBATION = "AD048"
    BAD_WATERMARK = "AD049"
    BAD_RECORD = "AD050"
    BAD_SNAPSHOT = "AD051"
    BAD_SEEDS = "AD052"

    EXPIRED_RULE = "AD060"
    EXPIRED_EXEMPTION = "AD061"
    ONE_FAMILY = "AD062"
    NO_COORDINATION = "AD063"
    NEVER_MATCHES = "AD064"
    ALWAYS_MATCHES = "AD065"
    UNKNOWN_ATTRIBUTE = "AD066"
    NO_PRICES = "AD067"
    SUB_IDENTITY_ALONE = "AD068"
    FINGERPRINT_ALONE = "AD069"

    @property
    def warns(self) -> bool:
        """True for advice, which does not stop a policy from loading."""
        return self >= Code.EXPIRED_RULE
