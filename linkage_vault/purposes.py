"""Purposes of use and legal bases: what a caller may say of why an answer is wanted.

Purposes are the codes of HL7 v3 ActReason, value set PurposeOfUse.  Source: HL7 Terminology (THO),
code system ActReason, the concepts below `PurposeOfUse`.  Legal bases are words of our own for what
UK law allows to share confidential patient information on.
"""

from enum import StrEnum


class PurposeOfUse(StrEnum):
    """Why an answer is wanted."""

    TREAT = "TREAT"  # treatment
    CLINTRL = "CLINTRL"  # clinical trial with treatment
    COC = "COC"  # coordination of care
    ETREAT = "ETREAT"  # emergency treatment
    BTG = "BTG"  # break the glass
    ERTREAT = "ERTREAT"  # emergency room treatment
    POPHLTH = "POPHLTH"  # population health
    CAREMGT = "CAREMGT"  # care management
    HMARKT = "HMARKT"  # marketing
    HOPERAT = "HOPERAT"  # operations
    DONAT = "DONAT"  # donation
    FRAUD = "FRAUD"  # fraud
    GOV = "GOV"  # government
    HACCRED = "HACCRED"  # accreditation
    HCOMPL = "HCOMPL"  # compliance
    HDECD = "HDECD"  # decedent
    HDIRECT = "HDIRECT"  # directory
    HDM = "HDM"  # decision making
    HLEGAL = "HLEGAL"  # legal
    HOUTCOMS = "HOUTCOMS"  # outcome measure
    HPRGRP = "HPRGRP"  # programme reporting
    HQUALIMP = "HQUALIMP"  # quality improvement
    HSYSADMIN = "HSYSADMIN"  # system administration
    LABELING = "LABELING"  # labelling
    METAMGT = "METAMGT"  # metadata management
    MEMADMIN = "MEMADMIN"  # member administration
    MILCDM = "MILCDM"  # military command
    PATADMIN = "PATADMIN"  # patient administration
    PATSFTY = "PATSFTY"  # patient safety
    PERFMSR = "PERFMSR"  # performance measure
    RECORDMGT = "RECORDMGT"  # records management
    SYSDEV = "SYSDEV"  # system development
    HTEST = "HTEST"  # test data
    TRAIN = "TRAIN"  # training
    HPAYMT = "HPAYMT"  # payment
    CLMATTCH = "CLMATTCH"  # claim attachment
    COVAUTH = "COVAUTH"  # coverage authorisation
    COVERAGE = "COVERAGE"  # coverage under policy
    ELIGDTRM = "ELIGDTRM"  # eligibility determination
    ELIGVER = "ELIGVER"  # eligibility verification
    ENROLLM = "ENROLLM"  # enrolment
    MILDCRG = "MILDCRG"  # military discharge
    REMITADV = "REMITADV"  # remittance advice
    HRESCH = "HRESCH"  # research
    BIORCH = "BIORCH"  # biomedical research
    CLINTRCH = "CLINTRCH"  # clinical trial research
    CLINTRCHNPC = "CLINTRCHNPC"  # the same without patient care
    CLINTRCHPC = "CLINTRCHPC"  # the same with patient care
    PRECLINTRCH = "PRECLINTRCH"  # preclinical trial research
    DSRCH = "DSRCH"  # disease specific research
    POARCH = "POARCH"  # population origins or ancestry research
    TRANSRCH = "TRANSRCH"  # translational research
    PATRQT = "PATRQT"  # patient requested
    FAMRQT = "FAMRQT"  # family requested
    PWATRNY = "PWATRNY"  # power of attorney
    SUPNWK = "SUPNWK"  # support network
    PUBHLTH = "PUBHLTH"  # public health
    DISASTER = "DISASTER"  # disaster
    THREAT = "THREAT"  # threat


class LegalBasis(StrEnum):
    """What allows an answer in law."""

    DIRECT_CARE = "direct_care"  # implied consent for one's own care
    CONSENT = "consent"  # explicit consent of the person
    PATIENT_REQUEST = "patient_request"  # the person asked for it
    VITAL_INTERESTS = "vital_interests"  # somebody's life
    SECTION_251 = "section_251"  # NHS Act 2006, s 251: support for research and other purposes
    PUBLIC_HEALTH = "public_health"  # COPI Regulations 2002, regulation 3
    LEGAL_OBLIGATION = "legal_obligation"  # a statute or a court's order
    PUBLIC_INTEREST = "public_interest"  # overriding public interest, as a safety recall
