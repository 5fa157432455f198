"""Code sets of other bodies that the reference model's invariants name (RM 1.1.0, support).

Sources, as openEHR Terminology 3.1.0 lists them (openehr_external_terminologies.xml):
ISO 3166-1 (countries), ISO 639-1 with country (languages), IANA (character sets, media types);
and openEHR's own algorithms and normal statuses. Codes alone; facts, restated.
"""

from functools import lru_cache

_ISO_3166_1 = """
    AF AX AL DZ AS AD AO AI AQ AG AR AM AW AU AT AZ BS BH BD BB BY BE BZ BJ BM BT BO BQ BA
    BW BV BR IO BN BG BF BI KH CM CA CV KY CF TD CL CN CX CC CO KM CG CD CK CR CI HR CU CW
    CY CZ DK DJ DM DO EC EG SV GQ ER EE SZ ET FK FO FJ FI FR GF PF TF GA GM GE DE GH GI GR
    GL GD GP GU GT GG GN GW GY HT HM VA HN HK HU IS IN ID IR IQ IE IM IL IT JM JP JE JO KZ
    KE KI KP KR KW KG LA LV LB LS LR LY LI LT LU MO MG MW MY MV ML MT MH MQ MR MU YT MX FM
    MD MC MN ME MS MA MZ MM NA NR NP NL AN NC NZ NI NE NG NU NF MK MP NO OM PK PW PS PA PG
    PY PE PH PN PL PT PR QA RE RO RU RW BL SH KN LC MF PM VC WS SM ST SA SN RS SC SL SG SX
    SK SI SB SO ZA GS SS ES LK SD SR SJ SE CH SY TW TJ TZ TH TL TG TK TO TT TN TR TM TC TV
    UG UA AE GB US UM UY UZ VU VE VN VG VI WF EH YE ZM ZW
"""

_IANA_CHARACTER_SETS = """
    ISO-10646-UTF-1 ISO_8859-1:1987 ISO-8859-2 ISO_8859-3:1988 ISO-8859-15 US-ASCII UTF-7
    UTF-8 UTF-16 UTF-16BE UTF-16LE UTF-32 UTF-32BE UTF-32LE
"""

_ISO_639_1 = """
    aa af ak sq am ar ar-sa ar-iq ar-eg ar-ly ar-dz ar-ma ar-tn ar-om ar-ye ar-sy ar-jo
    ar-lb ar-kw ar-ae ar-bh ar-qa an hy as av ay az bm ba eu be bn bi bs br bg my ca ch ce
    ny zh zh-tw zh-cn zh-hk zh-sg zh-mo cv kw co cr hr hr-ba cs da dv nl nl-be dz en en-us
    en-gb en-au en-ca en-nz en-ie en-za en-jm en-cb en-bz en-tt en-ph en-zw eo et ee fo fj
    fi fr fr-be fr-ca fr-ch fr-lu fr-mc fy ff gd gd-ie gl lg ka de de-ch de-at de-lu de-li
    el kl gn gu ht ha he hz hi ho hu is ig id iu ik ga it it-ch ja jv kn kr ks kk km ki rw
    ky kv kg ko kj ku lo la lv li ln lt lu lb mk mg ms ml mt gv mi mr mh mn na nv nd nr ng
    ne nb nn ii oc oj or om os ps fa pl pt pt-br pt-pt pa qu qu-bo qu-ec qu-pe ro ro-mo rm
    rn ru ru-mo se sz sm sg sc sr sr-ba sb sn sd si sk sl so st es es-mx es-gt es-cr es-pa
    es-do es-ve es-co es-pe es-ar es-ec es-cl es-uy es-py es-bo es-sv es-hn es-ni es-pr su
    sx sw ss sv sv-fi tl ty tg ta tt te th bo ti to ts tn tr tk tw ug uk ur uz ve vi wa cy
    cy-gb cy-ar wo xh yi ji yo za zu
"""

_IANA_MEDIA_TYPES = """
    audio/DVI4 audio/G722 audio/G723 audio/G726-16 audio/G726-24 audio/G726-32 audio/G726-40
    audio/G728 audio/L8 audio/L16 audio/LPC audio/G729 audio/G729D audio/G729E video/BT656
    video/CelB video/JPEG video/H261 video/H263 video/H263-1998 video/H263-2000 video/H264
    video/MPV video/mp4 video/ogg video/mpeg audio/basic audio/mpeg audio/mpeg3
    audio/mpeg4-generic audio/mp4 audio/L20 audio/L24 audio/telephone-event audio/ogg
    audio/vorbis video/quicktime text/calendar text/directory text/html text/plain
    text/richtext text/rtf text/rfc822-headers text/sgml text/tab-separated-values
    text/uri-list text/xml text/xml-external-parsed-entity image/avif image/bmp image/cgm
    image/gif image/png image/tiff image/jpeg image/jp2 image/svg+xml image/dicom-rle
    image/jls model/mtl model/obj model/stl application/cda+xml application/EDIFACT
    application/fhir+json application/fhir+xml application/hl7v2+xml application/gzip
    application/json application/msword application/pdf application/rtf application/dicom
    application/dicom+json application/dicom+xml application/octet-stream application/ogg
    application/vnd.oasis.opendocument.base application/vnd.oasis.opendocument.chart
    application/vnd.oasis.opendocument.chart-template
    application/vnd.oasis.opendocument.formula
    application/vnd.oasis.opendocument.formula-template
    application/vnd.oasis.opendocument.graphics
    application/vnd.oasis.opendocument.graphics-template
    application/vnd.oasis.opendocument.image
    application/vnd.oasis.opendocument.image-template
    application/vnd.oasis.opendocument.presentation
    application/vnd.oasis.opendocument.presentation-template
    application/vnd.oasis.opendocument.spreadsheet
    application/vnd.oasis.opendocument.spreadsheet-template
    application/vnd.oasis.opendocument.text application/vnd.oasis.opendocument.text-master
    application/vnd.oasis.opendocument.text-template
    application/vnd.oasis.opendocument.text-web
    application/vnd.ms-word.document.macroEnabled.12
    application/vnd.openxmlformats-officedocument.wordprocessingml.document
    application/vnd.ms-word.template.macroEnabled.12
    application/vnd.openxmlformats-officedocument.wordprocessingml.template
    application/vnd.ms-powerpoint.slideshow.macroEnabled.12
    application/vnd.openxmlformats-officedocument.presentationml.slideshow
    application/vnd.ms-powerpoint.presentation.macroEnabled.12
    application/vnd.openxmlformats-officedocument.presentationml.presentation
    application/vnd.ms-excel.sheet.binary.macroEnabled.12
    application/vnd.ms-excel.sheet.macroEnabled.12
    application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
    application/vnd.ms-xpsdocument application/vnd.ms-excel application/vnd.ms-outlook
    application/vnd.ms-powerpoint application/vnd.rar application/zip
"""

_OPENEHR_COMPRESSION_ALGORITHMS = """
    compress deflate gzip zlib other
"""

_OPENEHR_INTEGRITY_CHECK_ALGORITHMS = """
    SHA-1 SHA-224 SHA-256 SHA-384 SHA-512 SHA-512/224 SHA-512/256
"""

_OPENEHR_NORMAL_STATUSES = """
    HHH HH H N L LL LLL
"""

CODE_SETS: dict[str, frozenset[str]] = {
    "ISO_3166-1": frozenset(_ISO_3166_1.lower().split()),
    "IANA_character-sets": frozenset(_IANA_CHARACTER_SETS.lower().split()),
    "ISO_639-1": frozenset(_ISO_639_1.lower().split()),
    "IANA_media-types": frozenset(_IANA_MEDIA_TYPES.lower().split()),
    "openehr_compression_algorithms": frozenset(_OPENEHR_COMPRESSION_ALGORITHMS.lower().split()),
    "openehr_integrity_check_algorithms": frozenset(
        _OPENEHR_INTEGRITY_CHECK_ALGORITHMS.lower().split()
    ),
    "openehr_normal_statuses": frozenset(_OPENEHR_NORMAL_STATUSES.lower().split()),
}
"""Terminology → its codes in lower case: they differ in case between releases."""


@lru_cache(4_096)
def is_known(terminology: str, code: str) -> bool:
    """Whether a code set has a code; True for terminologies that are no code set here.

    A language may bear any country (en-NZ), and a media type any subtype of a known type: the
    registries grow, and the list holds what was common.
    """
    codes = CODE_SETS.get(terminology)
    lowered = code.lower()
    if codes is None or lowered in codes:
        return True
    if terminology == "ISO_639-1":
        language, _, country = lowered.partition("-")
        return language in codes and country in CODE_SETS["ISO_3166-1"]
    if terminology == "IANA_media-types":
        kind, _, subtype = lowered.partition("/")
        return bool(subtype) and kind in _MEDIA
    return False


_MEDIA = frozenset(
    {"application", "audio", "font", "image", "message", "model", "multipart", "text", "video"}
)
