using System.Globalization;
using System.Security.Cryptography;

namespace AstStream.Station.Web;

/// <summary>Hashes of passwords: PBKDF2 with SHA-256, as OWASP advises, in one line of text.</summary>
public static class Password
{
    /// <summary>The characters that a password has at least.</summary>
    public const int Least = 8;

    private const string Name = "pbkdf2-sha256";
    private const int Rounds = 600_000;
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    /// <summary>A hash of a password, with a salt of its own.</summary>
    public static string Hash(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return string.Join(
            '$', Name, Rounds.ToString(CultureInfo.InvariantCulture), Convert.ToBase64String(salt),
            Convert.ToBase64String(Derive(password, salt, Rounds)));
    }

    /// <summary>Whether a text is such a hash.</summary>
    public static bool IsHash(string text) => Read(text) is not null;

    /// <summary>Whether a password is the one of a hash. Takes as long for a wrong one.</summary>
    public static bool Matches(string password, string hash) =>
        Read(hash) is { } known && CryptographicOperations.FixedTimeEquals(Derive(password, known.Salt, known.Rounds), known.Hash);

    private static byte[] Derive(string password, byte[] salt, int rounds) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, rounds, HashAlgorithmName.SHA256, HashBytes);

    private static (byte[] Salt, int Rounds, byte[] Hash)? Read(string text)
    {
        var parts = text.Split('$');
        if (parts is not [Name, var rounds, var salt, var hash]
            || !int.TryParse(rounds, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1000 or > 100_000_000)
            return null;
        var (saltBytes, hashBytes) = (new byte[SaltBytes], new byte[HashBytes]);
        return Convert.TryFromBase64String(salt, saltBytes, out var s) && s == SaltBytes
            && Convert.TryFromBase64String(hash, hashBytes, out var h) && h == HashBytes ? (saltBytes, count, hashBytes) : null;
    }
}
