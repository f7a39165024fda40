"""What tools call the values they ask for, and how a label is read in any language or spelling.

A label is read word by word, never letter by letter: `clientId`, `CLIENT_ID` and "Your client ID *"
are the same two words. What a reader keeps is a set of classes, so neither the order of the labels
nor their repetition can matter. Every step takes time in proportion to the text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

Synonyms = Mapping[str, str]

# English first, then French, German, Italian and Spanish, Chinese. Plurals, accents, spaces and
# words such as "your" or "de la" need no entry of their own.
SYNONYMS: Final[Synonyms] = {
    "seller": """
        seller ID, seller number, seller no, seller code, seller identifier, seller account ID,
        seller account number, vendor ID, vendor number, vendor code, merchant ID,
        merchant number, merchant code, shop ID, shop number, shop no, store ID, store number,
        identifiant vendeur, ID vendeur, vendeur ID, numéro vendeur, n vendeur, no vendeur,
        code vendeur, identifiant compte vendeur, identifiant marchand, ID marchand,
        identifiant boutique, ID boutique, numéro boutique,
        Verkäufer-ID, Verkäufernummer, Verkäufer-Nr, Verkäuferkennung, Händler-ID, Händlernummer,
        Händler-Nr, Händlerkennung, Anbieter-ID, Shop-Nummer, Shop-Nr,
        ID venditore, codice venditore, numero venditore, identificativo venditore, ID negozio,
        ID vendedor, código vendedor, número vendedor, identificador vendedor, ID tienda,
        卖家ID, 卖家编号, 卖家号, 卖家标识, 商家ID, 商家编号, 商户ID, 商户号, 店铺ID, 店铺编号,
        店铺号, 賣家ID, 賣家編號, 商店ID
        """,
    "client_id": """
        client ID, client identifier, client key, API client, API ID, application ID, app ID,
        app key, application key, consumer key, key ID, API key ID, access key ID,
        identifiant client, ID client, identifiant application, ID application,
        Client-Kennung, Client-Identifikator, Anwendungs-ID, Anwendungskennung,
        identificativo client, ID applicazione, ID cliente, identificador cliente, ID aplicación,
        客户端ID, 客户端标识, 客户端编号, 客户ID, 应用ID, 應用ID, 用戶端ID
        """,
    "login": """
        login, login name, login ID, user, username, user ID, user login, identifier,
        identifiant, identifiant connexion, utilisateur, nom utilisateur,
        Benutzer, Benutzername, Benutzerkennung, Nutzername, Anmeldename, Kennung,
        utente, nome utente, usuario, nombre usuario, identificador,
        用户名, 登录名, 登录账号, 账号, 帐号, 账户名, 用户ID, 用戶名, 使用者名稱
        """,
    # The older SOAP APIs call their login an API user, and its name ends in "-api".
    "api_login": """
        API user, API username, API login, username API, user API, login API, SOAP login,
        SOAP user, SOAP username,
        utilisateur API, identifiant API, nom utilisateur API, identifiant SOAP,
        API-Benutzer, API-Benutzername, API-Nutzername,
        utente API, nome utente API, usuario API, nombre usuario API,
        API用户名, API账号
        """,
    "client_secret": """
        secret, client secret, client secret key, secret key, secret access key, API secret,
        API key secret, app secret, application secret, consumer secret,
        secret client, clé secrète, clé secrète client, clé secrète API,
        Geheimnis, Client-Geheimnis, Client-Schlüssel, geheimer Schlüssel,
        segreto, segreto client, chiave segreta, secreto, secreto cliente, clave secreta,
        密钥, 秘钥, 客户端密钥, 客户端秘钥, 客户端密码, 客户端机密, 客户密钥, 应用密钥, 用戶端密鑰
        """,
    "password": """
        password, pass word, passwd, passphrase, pwd, pass,
        mot de passe, mdp,
        Passwort, Kennwort,
        parola d'ordine, contraseña, clave,
        密码, 口令, 密碼
        """,
    # The sign-in of a person to the seller account: nothing that a tool may have.
    "account": """
        seller login, seller password, seller username, password seller account,
        seller portal login, login seller account, seller account login, seller account username,
        seller account password, login seller portal, seller portal password,
        password seller portal, marketplace password, seller center login, vendor password,
        mot de passe vendeur, mot de passe compte vendeur, mot de passe espace vendeur,
        login vendeur, login compte vendeur, identifiant connexion compte vendeur,
        Verkäuferkonto-Passwort, Passwort Verkäuferkonto, Passwort Verkäuferkontos,
        Verkäufer-Passwort, Händler-Passwort, Login Verkäuferkonto,
        password account venditore, password venditore, contraseña vendedor,
        contraseña cuenta vendedor,
        卖家密码, 卖家账号密码, 卖家账户密码, 卖家登录名, 店铺密码, 店铺登录密码, 賣家密碼
        """,
    "email": """
        e-mail, mail, mail address,
        courriel, adresse mail,
        E-Mail-Adresse,
        posta elettronica, indirizzo mail, correo, correo electrónico,
        邮箱, 电子邮箱, 电子邮件, 邮件地址, 電子郵件
        """,
    "key": """
        API key, access key, token, API token, access token, bearer token, subscription key,
        web service key,
        clé API, clé d'accès, jeton, jeton d'accès, jeton API,
        API-Schlüssel, Zugriffsschlüssel, Zugriffstoken, Zugangstoken,
        chiave API, clave API,
        API密钥, API秘钥, 令牌, 访问令牌
        """,
    "certificate": """
        JWKS, JWKS URL, JWKS URI, JWK, certificate, X.509, PEM, mTLS, public key, private key,
        key pair,
        certificat, clé publique, clé privée,
        Zertifikat, öffentlicher Schlüssel, privater Schlüssel,
        certificato, chiave pubblica, chiave privata, certificado, clave pública, clave privada,
        证书, 公钥, 私钥
        """,
    "oauth": """
        redirect, redirect URL, redirect URI, callback, callback URL, scope,
        URL redirection, URL de retour,
        Weiterleitungs-URL, Umleitungs-URL, Rückruf-URL,
        URL reindirizzamento, URL redirección,
        回调地址, 回调URL, 重定向地址, 重定向URL, 权限范围
        """,
    "shop": """
        shop URL, shop address, shop domain, store URL, store domain, website, website URL,
        site URL,
        URL boutique, adresse boutique, URL site, site web,
        Shop-Adresse,
        URL negozio, URL tienda, sitio web,
        店铺网址, 店铺地址
        """,
    "shop_admin": """
        admin, admin login, admin user, admin username, admin e-mail, admin password,
        administrator, administrator login, administrator password, shop admin login,
        identifiant admin, mot de passe admin, identifiant administrateur,
        mot de passe administrateur, administrateur,
        Admin-Benutzer, Admin-Passwort, Admin-Zugang,
        utente admin, usuario admin, contraseña admin,
        管理员, 管理员账号, 管理员密码
        """,
    "connect": """
        connect, just connect, connect button, authorize, authorise,
        connecter, autoriser,
        verbinden,
        connetti, collega, conectar,
        连接, 一键授权
        """,
    "partner": """
        I am the developer, I am the aggregator, I am the partner, I am the integration partner,
        I am the developer or the aggregator, I am a developer, I am an aggregator,
        je suis le développeur, je suis l'agrégateur, je suis le partenaire,
        ich bin der Entwickler, ich bin der Aggregator,
        sono lo sviluppatore, soy el desarrollador,
        我是开发者
        """,
    # Settings of the tool itself: always ignored.
    "env": """
        URL, URI, base URL, API URL, token URL, token URI, token endpoint, token type, auth URL,
        auth endpoint, authorization URL, authorization endpoint, API endpoint, endpoint, host,
        hostname, server, port, protocol, WSDL, realm, audience, grant type, environment,
        sandbox, mode, timeout, API version, version,
        environnement, URL de base, URL du jeton, serveur,
        Umgebung, Basis-URL, Server-Adresse,
        ambiente, entorno,
        环境, 网关地址, 接口地址, 令牌地址, 令牌URL, 授权类型
        """,
    # Asked for on many pages, but never by us, nor a hint at anything.
    "other": """
        nothing, none, country, shop name, store name, company, company name, seller name,
        connection name, language, currency, warehouse, phone, marketplace, required, optional,
        rien, pays, nom boutique, société, raison sociale, langue, devise, entrepôt, téléphone,
        obligatoire, facultatif,
        nichts, Land, Shop-Name, Firma, Sprache, Währung, Lager, Telefon, Pflichtfeld,
        niente, paese, nome negozio, azienda, lingua, valuta, nada, país, nombre tienda, empresa,
        idioma, moneda,
        无, 国家, 店铺名称, 公司, 语言, 货币, 仓库, 电话, 必填, 可选
        """,
    # Two classes say something about a value, and are no value themselves.
    "lane": """
        product, offer, order, catalogue, catalog,
        produit, offre, commande,
        Produkt, Produkte, Angebot, Angebote, Bestellung, Bestellungen,
        prodotti, offerte, ordini, producto, oferta, pedido,
        商品, 产品, 报价, 订单
        """,
    "several": """
        per country, per site, per channel, per marketplace, each country,
        par pays, chaque pays,
        pro Land, je Land,
        per paese, por país,
        每个国家, 各国
        """,
}

IMPLIES: Final[Mapping[str, str]] = {
    "client_id": "principal",
    "login": "principal",
    "api_login": "principal",
    "client_secret": "secret",
    "password": "secret",
    "key": "foreign",
    "certificate": "foreign",
}
UNKNOWN: Final = "unknown"

_QUALIFIERS: Final = frozenset({"lane", "several"})
_IGNORED: Final = frozenset({"env", "other"})
# Where one field carries several names, the telling one counts: "Login (client ID)" is a client ID.
_RANK: Final = {"login": 1, "password": 1, "email": 1, "connect": 2, "env": 2, "other": 2}
_NOISE: Final = frozenset(
    word
    for words in (
        "a an the my our your of s for to de du des d l la le les un une mon votre vos pour",
        "der die das dein deine ihr ihre ihres fur il lo del della dell di su sus suo sua tu tua",
        "el los las para 的 您 你 请",
    )
    for word in words.split()
)
_SEPARATORS: Final = re.compile(
    r"[,;|/+&\n\r\t、和与及•]|\s(?:and|et|und|y)\s|\se\s(?!\s*mail)", re.IGNORECASE
)
_HUMPS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Chinese has no spaces, so each of its signs is a word.
_WORDS: Final = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+|\d+")
# Letters by category, invisible by design; compatibility forms decompose to these two.
_FILLERS: Final = "\u115f\u1160"
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


class Lexicon(NamedTuple):
    """Synonyms made ready to be looked up: the joined words of each, and its class."""

    classes: Mapping[str, str]
    longest: int


def lexicon(synonyms: Synonyms) -> Lexicon:
    """Index the synonyms; where two classes claim the same words, the later one has them."""
    classes = {
        _singular("".join(_words(_plain(spelling)))): name
        for name, listed in synonyms.items()
        for synonym in listed.split(",")
        for spelling in (synonym, synonym.translate(_UMLAUTS))
    }
    return Lexicon(classes, max(map(len, classes)))


def read(labels: Iterable[str], known: Lexicon) -> frozenset[str]:
    """The classes of all values that the labels name, with what they imply; settings left out."""
    found = {name for label in labels for part in _parts(label) for name in _classes(part, known)}
    return frozenset(found | {IMPLIES[name] for name in found & IMPLIES.keys()})


def _parts(label: str) -> list[str]:
    return _SEPARATORS.split(_plain(label))


def _plain(text: str) -> str:
    """The text without accents, wide or styled forms, and whatever cannot be seen."""
    return "".join(
        sign
        for sign in unicodedata.normalize("NFKD", text)
        if sign not in _FILLERS and unicodedata.category(sign) not in {"Mn", "Cf"}
    )


def _classes(part: str, known: Lexicon) -> set[str]:
    found = list(_meanings(_words(part), known))
    values = [name for name in found if name != UNKNOWN and name not in _QUALIFIERS]
    if not values:
        return {UNKNOWN} if set(found) == {UNKNOWN} else set()
    # A bare list ("login password sellerId") names several values; a phrase names one.
    if UNKNOWN in found or "(" in part:
        values = [min(values, key=lambda name: _RANK.get(name, 0))]
    asked = set(values) - _IGNORED
    return asked | _QUALIFIERS.intersection(found) if asked else set()


def _words(plain: str) -> list[str]:
    spaced = _HUMPS.sub(" ", plain).casefold()
    return [word for word in _WORDS.findall(spaced) if word not in _NOISE]


def _meanings(words: Sequence[str], known: Lexicon) -> Iterator[str]:
    start = 0
    while start < len(words):
        length, meaning = _longest_match(words, start, known)
        if meaning or words[start].isalpha():
            yield meaning or UNKNOWN
        start += length


def _longest_match(words: Sequence[str], start: int, known: Lexicon) -> tuple[int, str | None]:
    joined = ""
    match: tuple[int, str | None] = (1, None)
    for end in range(start, len(words)):
        joined += words[end]
        if len(joined) > known.longest + 1:
            break
        if meaning := known.classes.get(_singular(joined)):
            match = (end - start + 1, meaning)
    return match


def _singular(joined: str) -> str:
    plural = len(joined) > len("ids") and joined.endswith("s") and not joined.endswith("ss")
    return joined[:-1] if plural else joined
