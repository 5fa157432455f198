"""Words that are asked about only when written with a capital: they are words first, names second.

Some are surnames or given names too ("young", "will", "rose"); the rest are the commonest words of
letters, for which a question would be wasted.
"""

_TEXT = """
a abdomen abdominal able about above across acute added admission admitted advice advised after
again age aged ago all allergy alone along already also although always am an and angel another
any appears appointment april arch are area arm arrange arranged art as ash assessed assessment
at attended august autumn away back baker band bank banks bar barn bath bay be beach bean bear
because bed been before began being bell below bend berry best better between bilateral bird
birth bishop black blood blue body bolt bond bone born both bottom bow bowel box boy branch
bread breast breath bright brook brooks brother brought brown burn burns bush but butcher butler
by cancer cane care case castle cause chance change chapel chapman chase chest child children
church clay clear cliff clinic close cloud coast cold come complained condition constable
consultant contact continue control cook cooper corn cough could course court cross crown daily
dale dark date daughter dawn day days dean dear december deep diagnosis did died diet discharge
discharged disease do doctor does dose down drew drink drive drug duck due duke during each ear
early earth east eat eight either elder emergency end entry episode evening ever every
examination exercise eye face faith fall falls family farm farmer father february feel feels
feet felt fever few field finding findings fine first fish fisher five flood flower fluid
following foot for ford forest found four fox frank free frequent friday frost full further gale
garden gate general gentle gift gill given giving glad glass go gold good grace grant grass gray
great green grey ground grove had hair half hall hand hands happy hard hardy harper has have hay
he head health heart heath help her here high hill him his history holly home honey hood hope
hospital hour hours house how hunt hunter husband i if ill image imaging improved in increase
increased infection initial injury inn into is it its ivy jade january jasmine joint joy july
june just keen key king kit knee knight known lady lake lamb land lane large last later law lawn
leads left leg less letter level levels life light like lily limb line little live liver living
lock long look love low lower lung made main male man many march marina mark marked marsh mason
may me mead meal means measured medical medication medicine melody mild miles mill miller minor
miss moderate monday month months moon moor more morning most mother moved much must my nail
near neck need needs never new next night nine no normal north not note noted notes november now
nurse oak observed october of off often old olive on once one only onset open or order other our
out over own page pain palm parish park part past patch patient patients pearl per period phone
piper plan pleasant please point pollen pool poor poppy porter positive possible post potter
pound present presented presents pressure previous price pride prince prior problem procedure
progress provided pulse quick rain range rash rate ray reason recent record red reduced reed
referral referred regular remains removed report reported reports rest result results review
reviewed rich right ring risk river road robin rock room root rose rosemary round routine royal
ruby run said sale same sand saturday saw say scan school sea seal season second section see
seen sent september service seven severe sex shall sharp she shepherd shield shore short should
show showed shows sick side sign signs silver since sister site six skin skinner skipper sleep
slight small smart smoker so some son soon south spears spring stable stage star start started
steel still stone stood stopped storm street strong such suddenly summer sunday surgery surgical
sweet swelling swift symptom symptoms system table tablet taken taking tall taylor team temple
ten tender test tests than thank thanks that the their them then there these they thing think
this thorn those three through thursday time times tissue to today together told too took top
tower town transfer treated treatment tree tuesday turner twice two ultrasound under until up
upper urgent urine use used usual very view violet visit vomiting walk walker wall ward warm was
water way we weak wednesday week weeks weight well went were west what wheeler when where
whether which while white who wife wild will willow wilt winter wise with within without wolf
woman wood woods word work worse would wound write written yard year years yes yesterday yet you
young your
"""
WORDS = frozenset(_TEXT.split())
