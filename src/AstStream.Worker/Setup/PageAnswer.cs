namespace AstStream.Worker.Setup;

/// <summary>How the page is protected that other machines may open.</summary>
/// <param name="PasswordHash">The hash of people's password.</param>
/// <param name="Token">What programs show.</param>
internal sealed record PageAnswer(string PasswordHash, string Token);
