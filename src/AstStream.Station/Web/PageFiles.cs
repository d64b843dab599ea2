using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace AstStream.Station.Web;

/// <summary>The files of the page, which are part of the program.</summary>
internal static class PageFiles
{
    private const string Prefix = "page/";
    private const string First = "index.html";

    private static readonly Dictionary<string, string> s_types = new(StringComparer.Ordinal)
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".json"] = "application/json",
        [".webmanifest"] = "application/manifest+json",
        [".txt"] = "text/plain; charset=utf-8",
    };

    /// <summary>Maps each file. Everybody may have them: what they show comes from the API.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var path = name[Prefix.Length..].Replace('\\', '/');
            var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]}\"");
            var type = s_types[Path.GetExtension(path)];
            routes.MapMethods("/" + (path == First ? "" : path), Problems.Looking, (HttpContext context) =>
            {
                context.Response.Headers.CacheControl = "no-cache"; // asked for again each time, and not sent where it is the same
                return TypedResults.Bytes(bytes, type, entityTag: tag);
            }).Needs(Right.Nothing).ExcludeFromDescription();
        }
    }
}
