"""Short and pet forms of given names in use in Britain; every one stands for each in its line."""

from functools import cache

_LINES = """
abigail abi abbie abby gail
adam ad
albert al bert bertie
alexander alex alec al sandy xander sasha lex
alexandra alex sandra sandy lexi sasha
alfred alf alfie fred freddie
alison ali
amanda mandy
andrew andy drew
andrea andy
angela angie ange
ann anne annie nan
anthony antony tony ant
archibald archie
arthur art
barbara babs barb
benjamin ben benny benji
bernard bernie
bridget bridie biddy
caroline carrie caz
catherine katherine kathryn cathy kathy kate katie kitty cath kath kat
charles charlie chas chuck
charlotte charlie lottie char
christine chris chrissie tina
christina chris chrissie tina
christopher chris kit topher
claire clare
clifford cliff
cynthia cindy
daniel dan danny
danielle dani
david dave davy davie dai
deborah debra deb debbie debs
dennis den denny
derek del
desmond des
diana di
donald don donnie
dorothy dot dotty dolly
douglas doug dougie
edmund ed ned
edward ed eddie ted teddy ned
edwin ed eddie
eleanor ellie nell nellie nora
elizabeth elisabeth liz lizzie beth betty betsy bess libby eliza elsie lisa lily
emily em emmy milly
emma em emmy
ernest ernie
eugene gene
evelyn evie
florence flo florrie flossie
frances fran frankie francie
francis frank frankie
frederick fred freddie freddy
gabriel gabe
geoffrey jeffrey geoff jeff
george georgie
georgina georgie gina
gerald gerry jerry
geraldine gerry
gerard gerry ged
gillian jill gill
gordon gordie
grace gracie
graham graeme
gregory greg
gwendolyn gwen
harold harry hal
harriet hattie harri
helen nell ellie lena
henry harry hal hank
herbert herb bert
hilary hils
howard howie
hugh hughie huw
irene rene
isabel isabelle isobel izzy belle bella
isaac ike zac
jacob jake
jacqueline jackie jacqui
james jim jimmy jamie jem
jane janey janie
janet jan
jeanette jean
jennifer jen jenny jenni
jeremy jez jerry
jessica jess jessie
joan joanie
joanna joanne jo
john jon johnny jack
jonathan jon jonny
joseph joe joey
josephine jo josie
joshua josh
joyce joy
judith judy jude
julia julie jules
julian jules
kenneth ken kenny
kevin kev
kimberley kim
lauren laurie
laurence lawrence larry laurie
leonard len lenny leo
leslie les
lewis lew louis
lilian lily lil
louise lou
lucy lucinda lulu
lynda linda lyn lin
madeleine maddie
malcolm malc mal
margaret maggie meg peggy madge marge margie greta
maria marie mary
marjorie marge margie
martin marty
mary molly polly may
matilda tilly tilda
matthew matt matty
maureen mo
maurice mo
maxwell max
maximilian max
melanie mel
michael mick mike mickey micky mikey
michelle shell chelle
mildred milly
miriam mim
mohammed muhammad mohammad mohamed muhammed mo
montgomery monty
nancy nan
natalie nat
natasha tasha
nathan nat nate
nathaniel nat nate nathan
neville nev
nicholas nick nicky nico
nicola nicky nic nikki
nigel nige
norman norm
oliver ollie olly
olivia liv livvy
oscar ozzy
pamela pam
patricia pat patsy trish tricia patty
patrick pat paddy
paul paulie
paula polly
penelope penny pen
peter pete
philip phillip phil pip
philippa pippa pip
phyllis phyl
rachel rach
raymond ray
rebecca becky becca bex
reginald reg reggie
richard rick ricky dick rich richie dickie
robert rob robbie bob bobby bert
roderick rod roddy
rodney rod
roger rodge
roland roly
ronald ron ronnie
rosemary rose rosie
roy roz
rosalind roz ros
rupert rupe
russell russ
ruth ruthie
samantha sam sammy
samuel sam sammy
sandra sandy
sarah sara sally sal
sebastian seb
sharon shaz
sheila shelagh
sidney sydney sid syd
simon si
sophia sophie soph
stanley stan
stephanie steph
stephen steven steve stevie
stewart stuart stu
susan sue susie suzie suzy
suzanne sue suzie suzy
sylvia syl
terence terry tel
theodore theo ted teddy
theresa teresa terry tess tessa
thomas tom tommy
timothy tim timmy
tobias toby
valerie val
vanessa ness nessa
veronica ronnie vera
victor vic
victoria vicky vicki tori vic
vincent vince vinny
virginia ginny
vivienne viv
vivian viv
walter wally walt
wendy wend
wilfred wilf
william will bill billy willie liam
winifred win winnie freda
yvonne vonnie
zachary zac zach
"""


@cache
def _by_name() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _LINES.strip().splitlines():
        names = line.split()
        for name in names:
            found.setdefault(name, set()).update(names)
    return {name: frozenset(others - {name}) for name, others in found.items()}


def others_of(name: str) -> frozenset[str]:
    """Other forms of a given name; `name` and answers are folded."""
    return _by_name().get(name, frozenset())
