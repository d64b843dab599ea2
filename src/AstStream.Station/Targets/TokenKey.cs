using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>Secrets that go into a header or an address.</summary>
internal static class TokenKey
{
    /// <summary>Whether a key's value can be sent; notes where it can't, as with a line break within.</summary>
    public static bool IsGood(SectionReader section, Key<string?> key)
    {
        if (section.Get(key) is not { } token || token.All(c => c is > ' ' and < '\x7f'))
            return true;
        section.Problem(key, "has a space, a line break or another character that no token has; expected the token alone");
        return false;
    }
}
