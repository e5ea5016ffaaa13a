"""What all pages share: request context, forms, rate limits, language, security headers, error pages."""
