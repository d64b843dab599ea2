using System.ComponentModel;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>Logging in and out.</summary>
internal static class LoginApi
{
    private const int LongestPassword = 1000;

    public static void Map(RouteGroupBuilder api, Access access)
    {
        api.MapGet("/me", (HttpContext context) => TypedResults.Ok(
            new Me(EnumWord(access.RightOf(context.Request)), access.NeedsPassword)))
            .Needs(Right.Nothing).WithName("me").WithSummary("What whoever asks may do.");
        api.MapPost("/login", async Task<Results<NoContent, ProblemHttpResult>> (HttpContext context, LoginBody body) =>
            {
                if (!access.NeedsPassword)
                    return Problems.Bad("no password is set: aststream station password makes one");
                if (body.Password.Length > LongestPassword)
                    return Problems.Bad($"expected a password of at most {LongestPassword} characters");
                var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
                if (!access.Logins.TryBegin(address))
                    return Problems.Of(StatusCodes.Status429TooManyRequests, "too many tries; wait ten minutes");
                if (await access.IsPasswordAsync(body.Password, context.RequestAborted).ConfigureAwait(false) is not { } isRight)
                    return Problems.Of(StatusCodes.Status429TooManyRequests, "many log in just now; try again");
                if (!isRight)
                    return Problems.Of(StatusCodes.Status401Unauthorized, "that is not the password");
                access.Logins.Forget(address);
                context.Response.Cookies.Append(access.Cookie, access.Sessions.Begin(), Options(context, TimeSpan.FromDays(30)));
                return TypedResults.NoContent();
            })
            .Needs(Right.Nothing).WithName("login").WithSummary("Logs in with the password; sets a cookie.");
        api.MapPost("/logout", (HttpContext context) =>
            {
                if (context.Request.Cookies[access.Cookie] is { } secret)
                    access.Sessions.End(secret);
                context.Response.Cookies.Append(access.Cookie, "", Options(context, TimeSpan.Zero));
                return TypedResults.NoContent();
            })
            .Needs(Right.Nothing).WithName("logout").WithSummary("Logs out.");
    }

    private static CookieOptions Options(HttpContext context, TimeSpan life) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = context.Request.IsHttps,
        MaxAge = life,
        Path = "/",
    };

    private static string EnumWord(Right right) => right.ToString().ToLowerInvariant();

    /// <summary>What somebody may do.</summary>
    internal sealed record Me(
        [property: Description("nothing, read, review or admin.")] string Right,
        [property: Description("Whether there is a password to log in with.")] bool HasPassword);

    /// <summary>A password.</summary>
    internal sealed record LoginBody([property: Description("The password.")] string Password);
}
